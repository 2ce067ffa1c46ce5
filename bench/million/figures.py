"""What the kernel reports about processes and memory."""

import contextlib
import dataclasses
import os

from million import limits

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def private_bytes(pid):
    """Pages that no other process shares."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return sum(int(line.split()[1]) * 1024 for line in file if line.startswith(("Private_Clean", "Private_Dirty")))


def cpu_s(pid):
    """Processor time of its threads."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        path = f"/proc/{pid}/task/{task}/schedstat"
        with contextlib.suppress(FileNotFoundError), open(path, encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def tcp_buffer_bytes():
    """Memory of TCP in /proc/net/sockstat: data in queues, nothing while all connections are idle."""
    with open("/proc/net/sockstat", encoding="ascii") as file:
        for line in file:
            words = line.split()
            if words[0] == "TCP:":
                return int(words[words.index("mem") + 1]) * PAGE_BYTES
    return 0


@dataclasses.dataclass(frozen=True)
class Memory:
    """Memory at one moment."""

    servers: int
    clients: int
    slab: int
    tcp_buffers: int
    used: int

    @staticmethod
    def now(servers, clients):
        info = limits.meminfo()
        return Memory(
            servers=sum(private_bytes(each.pid) for each in servers),
            clients=sum(private_bytes(each.pid) for each in clients),
            slab=info["Slab"],
            tcp_buffers=tcp_buffer_bytes(),
            used=info["MemTotal"] - info["MemFree"] - info["Buffers"] - info["Cached"],
        )

    def growth_per(self, before, count):
        """Bytes of each connection. Kernel and machine have both of its ends."""
        return {
            "server_private": (self.servers - before.servers) / count,
            "client_private": (self.clients - before.clients) / count,
            "kernel_slab": (self.slab - before.slab) / count,
            "kernel_tcp_buffers": (self.tcp_buffers - before.tcp_buffers) / count,
            "machine": (self.used - before.used) / count,
        }


def cpu_of(processes):
    return sum(cpu_s(each.pid) for each in processes)
