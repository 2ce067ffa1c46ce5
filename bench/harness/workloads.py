"""What is measured of a server: one line a workload. All servers get the same bytes."""

import dataclasses

# Fan-out messages are typed frames of type 0 with a compact JSON payload, which a server that decodes and encodes
# again gives back byte for byte. The smallest has 59 bytes, so that where others measure 32 bytes these are 64.
TYPED = ("--prefix", "00000000")


@dataclasses.dataclass(frozen=True)
class Workload:
    """`figure` and `factor` pick and scale a number of the generator's report; `yardstick` names the floor that the
    others are compared with, None where there is none. `same_run` names the workload whose runs give this figure too.
    """

    name: str
    title: str
    kind: str
    mode: str
    arguments: tuple
    figure: str = "server_cpu_us_per_delivery"
    unit: str = "µs"
    factor: float = 1.0
    yardstick: str = "batch"
    same_run: str = None


def _fanout(name, title, *arguments, yardstick="batch"):
    return Workload(name, title, "fanout", "fanout", (*arguments, *TYPED), yardstick=yardstick)


def _echo(name, title, *arguments):
    return Workload(name, title, "echo", "echo", arguments, yardstick="echo")


_IDLE = ("-c", "10000", "--connect-concurrency", "256")

WORKLOADS = (
    _fanout("fanout-32-1", "32 members, all send, 1 in flight, 100 B", "-c", "32", "-w", "1", "--size", "100"),
    _fanout("fanout-32-16", "32 members, all send, 16 in flight, 64 B", "-c", "32", "-w", "16", "--size", "64"),
    _fanout("fanout-32-64", "32 members, all send, 64 in flight, 64 B", "-c", "32", "-w", "64", "--size", "64"),
    _fanout(
        "fanout-1000-1",
        "1000 members, 10 send, 1 in flight, 100 B",
        *("-c", "1000", "-s", "10", "-w", "1", "--size", "100"),
    ),
    _fanout(
        "fanout-1000-rate",
        "1000 members, 100 messages a second, 100 B",
        *("-c", "1000", "-s", "10", "-r", "100", "--size", "100"),
        yardstick="each",
    ),
    _fanout(
        "fanout-10000-rate",
        "10,000 members, 10 messages a second, 100 B",
        *("-c", "10000", "-s", "10", "-r", "10", "--size", "100", "--connect-concurrency", "256"),
        yardstick="each",
    ),
    _echo("echo-1", "echo, 100 connections, 1 in flight, 128 B", "-c", "100", "-w", "1", "--size", "128"),
    _echo("echo-16", "echo, 100 connections, 16 in flight, 128 B", "-c", "100", "-w", "16", "--size", "128"),
    _echo("echo-16k", "echo, 100 connections, 1 in flight, 16 KiB", "-c", "100", "-w", "1", "--size", "16k"),
    Workload(
        "handshake", "handshake, 10,000 connections", "fanout", "idle", _IDLE, figure="server_cpu_us_per_handshake"
    ),
    Workload(
        "idle-memory",
        "user memory of an idle connection",
        "fanout",
        "idle",
        _IDLE,
        figure="private_bytes_per_connection",
        unit="bytes",
        same_run="handshake",
    ),
    Workload(
        "idle-cpu",
        "CPU of 10,000 idle connections",
        "fanout",
        "idle",
        _IDLE,
        figure="server_cpu_s_per_s",
        unit="ms/s",
        factor=1000.0,
        yardstick=None,
        same_run="handshake",
    ),
)


def value(workload, report):
    """The workload's figure from a report of `stoa bench --json`; None when it was not measured."""
    if workload.figure == "server_cpu_s_per_s":
        return report["server_cpu_s"] / report["window_s"] * workload.factor
    number = report[workload.figure]
    return None if number is None else number * workload.factor
