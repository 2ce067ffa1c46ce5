"""What a machine must allow before so many connections are tried."""

import contextlib
import os
import resource

# What one connection takes at both ends, beyond what an idle one was measured to take; and a process.
CONNECTION_BYTES = 12 * 1024
PROCESS_BYTES = 6 * 1024 * 1024
SPARE_BYTES = 1024**3
# The kernel spreads connections by a hash, so that processes differ; and descriptors for other things.
HEADROOM = 1.08
OTHER_DESCRIPTORS = 64
PORTS_NEEDED = 16384  # twice of what million-client takes of one address


def numbers(path):
    """The numbers in a file of /proc; none where there is no such file."""
    with contextlib.suppress(OSError), open(path, encoding="ascii") as file:
        return [int(word) for word in file.read().split() if word.isdigit()]
    return []


def meminfo():
    """/proc/meminfo in bytes."""
    with open("/proc/meminfo", encoding="ascii") as file:
        pairs = (line.split(":") for line in file)
        return {name: int(rest.split()[0]) * 1024 for name, rest in pairs}


def descriptors():
    """What a process may hold here."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def take_all_descriptors():
    """Let this process, and those that it starts, hold as many as they may."""
    hard = descriptors()
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def per_process(count, processes):
    """Descriptors of the fullest process."""
    return int(count / processes * HEADROOM) + OTHER_DESCRIPTORS


def processes_for(count):
    """So many processes that none of them comes near its limit."""
    processes = 1
    while per_process(count, processes) > descriptors() * 0.92:
        processes += 1
    return processes


def group_memory_left():
    """What the control group of this process may still take; it pays for its sockets too. None without a limit."""
    with contextlib.suppress(OSError), open("/proc/self/cgroup", encoding="utf-8") as file:
        for line in file:
            if line.startswith("0::"):
                folder = os.path.join("/sys/fs/cgroup", line[3:].strip().lstrip("/"))
                most = numbers(os.path.join(folder, "memory.max"))
                held = numbers(os.path.join(folder, "memory.current"))
                return most[0] - held[0] if most and held else None
    return None


def memory_left():
    left = group_memory_left()
    return min(meminfo()["MemAvailable"], left) if left is not None else meminfo()["MemAvailable"]


def gib(number):
    return f"{number / 1024**3:.1f} GiB"


def problems(count, processes):
    """Why it cannot work here, one sentence each."""
    needed = count * CONNECTION_BYTES + 2 * processes * PROCESS_BYTES + SPARE_BYTES
    left = memory_left()
    if needed > left:
        yield f"{count:,} connections need about {gib(needed)} of memory, and {gib(left)} are left"
    if per_process(count, processes) > descriptors():
        yield (
            f"{per_process(count, processes):,} descriptors in each of {processes} processes are more than the limit "
            f"of {descriptors():,}; --processes {processes_for(count)} would do"
        )
    yield from _too_low("fs.file-max", "/proc/sys/fs/file-max", 2 * count + 200 * processes)
    yield from _too_low("fs.epoll.max_user_watches", "/proc/sys/fs/epoll/max_user_watches", 2 * count)
    first, last = numbers("/proc/sys/net/ipv4/ip_local_port_range")
    if last - first + 1 < PORTS_NEEDED:
        yield f"net.ipv4.ip_local_port_range has {last - first + 1} ports, {PORTS_NEEDED} are needed"


def _too_low(name, path, needed):
    found = numbers(path)
    if found and found[0] < needed:
        yield f"{name} is {found[0]:,}, {needed:,} are needed"


def conntrack_problem(count, tracked_before):
    """Connection tracking costs nothing until a rule wants it, which shows once there are connections."""
    most = numbers("/proc/sys/net/netfilter/nf_conntrack_max")
    tracked = tracked_connections()
    if most and tracked > tracked_before and most[0] < count:
        return f"connections are tracked, and net.netfilter.nf_conntrack_max is {most[0]:,}"
    return None


def tracked_connections():
    found = numbers("/proc/sys/net/netfilter/nf_conntrack_count")
    return found[0] if found else 0
