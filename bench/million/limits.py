"""Limits of the machine that are checked before so many connections are opened."""

import contextlib
import os
import resource

# Memory of one connection at both ends, more than measured for an idle one; and of a process.
CONNECTION_BYTES = 12 * 1024
PROCESS_BYTES = 6 * 1024 * 1024
SPARE_BYTES = 1024**3
# The kernel spreads connections by a hash, so the processes' shares differ; and descriptors for other uses.
HEADROOM = 1.08
OTHER_DESCRIPTORS = 64
PORTS_NEEDED = 16384  # twice the ports that million-client uses of one address


def numbers(path):
    """The numbers in a file of /proc; none without such a file."""
    with contextlib.suppress(OSError), open(path, encoding="ascii") as file:
        return [int(word) for word in file.read().split() if word.isdigit()]
    return []


def meminfo():
    """/proc/meminfo in bytes."""
    with open("/proc/meminfo", encoding="ascii") as file:
        pairs = (line.split(":") for line in file)
        return {name: int(rest.split()[0]) * 1024 for name, rest in pairs}


def descriptors():
    """The most descriptors that a process may have here."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def take_all_descriptors():
    """Raise the limit of descriptors for this process and its children."""
    hard = descriptors()
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def per_process(count, processes):
    """Descriptors of the process with the most connections."""
    return int(count / processes * HEADROOM) + OTHER_DESCRIPTORS


def processes_for(count):
    """The number of processes with which none of them reaches its limit."""
    processes = 1
    while per_process(count, processes) > descriptors() * 0.92:
        processes += 1
    return processes


def group_memory_left():
    """The memory left in the control group of this process, which includes sockets. None without a limit."""
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
    """The reasons why it cannot work here, one sentence each."""
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
    """Connection tracking has no cost until a rule needs it, which is visible once there are connections."""
    most = numbers("/proc/sys/net/netfilter/nf_conntrack_max")
    tracked = tracked_connections()
    if most and tracked > tracked_before and most[0] < count:
        return f"connections are tracked, and net.netfilter.nf_conntrack_max is {most[0]:,}"
    return None


def tracked_connections():
    found = numbers("/proc/sys/net/netfilter/nf_conntrack_count")
    return found[0] if found else 0
