"""The workloads: one line each, one table a section. All servers get the same bytes."""

import dataclasses

# Fan-out messages are typed frames of type 0 with a compact JSON payload. A server that decodes and encodes it
# produces the same bytes. The smallest one has 59 bytes, so other benchmarks' 32 bytes are 64 here.
TYPED = ("--prefix", "00000000")


@dataclasses.dataclass(frozen=True)
class Workload:
    """`figure` and `factor` pick and scale a number of the generator's report; `yardstick` names the server that the
    others are compared with, or None. `same_run` names the workload whose runs have this figure too.

    In each round the servers take their turns `turns` times; the round's figure is the mean. `quick` workloads belong
    to the short form.
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
    turns: int = 1
    quick: bool = True
    more_is_better: bool = False


@dataclasses.dataclass(frozen=True)
class Section:
    """A table: workloads down, servers across. `text` explains what it shows, and what not. `needs` is a word that the
    generator's help contains if the generator supports this."""

    name: str
    title: str
    text: str
    servers: tuple
    workloads: tuple
    needs: str = ""


def _fanout(name, title, arguments, **rest):
    return Workload(name, title, rest.pop("kind", "fanout"), "fanout", (*arguments.split(), *TYPED), **rest)


def _echo(name, title, arguments, **rest):
    return Workload(name, title, rest.pop("kind", "echo"), "echo", tuple(arguments.split()), **rest)


def _idle(name, title, connections, **rest):
    arguments = ("-c", str(connections), "--connect-concurrency", "256")
    return Workload(name, title, rest.pop("kind", "fanout"), "idle", arguments, **rest)


def _delivered(workload):
    """How many messages a second arrived, from the same runs."""
    return dataclasses.replace(
        workload,
        name=workload.name + "-delivered",
        title=workload.title + ": delivered",
        figure="deliveries_per_s",
        unit="million/s",
        factor=1e-6,
        same_run=workload.name,
        more_is_better=True,
    )


def _latency(workload):
    """The time within which half of the deliveries arrived, from the same runs."""
    return dataclasses.replace(
        workload,
        name=workload.name + "-latency",
        title=workload.title + ": median latency",
        figure="latency_p50_us",
        unit="ms",
        factor=1e-3,
        same_run=workload.name,
    )


_HANDSHAKE = _idle("handshake", "handshake, 10,000 connections", 10000, figure="server_cpu_us_per_handshake")

_PEERS = Section(
    "peers",
    "Beside other servers",
    "The floor to compare with is `batch` where messages come in bursts and for echoes, and `each` where they come one "
    "at a time.",
    ("stoa", "each", "batch", "uring", "uws", "bun", "ws", "gorilla", "lws"),
    (
        _fanout("fanout-32-1", "32 members, all send, 1 in flight, 100 B", "-c 32 -w 1 --size 100"),
        _fanout("fanout-32-16", "32 members, all send, 16 in flight, 64 B", "-c 32 -w 16 --size 64"),
        _fanout("fanout-32-64", "32 members, all send, 64 in flight, 64 B", "-c 32 -w 64 --size 64"),
        _fanout("fanout-1000-1", "1000 members, 10 send, 1 in flight, 100 B", "-c 1000 -s 10 -w 1 --size 100"),
        _fanout(
            "fanout-1000-rate",
            "1000 members, 100 messages a second, 100 B",
            "-c 1000 -s 10 -r 100 --size 100",
            yardstick="each",
            turns=2,
        ),
        _fanout(
            "fanout-10000-rate",
            "10,000 members, 10 messages a second, 100 B",
            "-c 10000 -s 10 -r 10 --size 100 --connect-concurrency 256",
            yardstick="each",
            turns=2,
            quick=False,
        ),
        _echo("echo-1", "echo, 100 connections, 1 in flight, 128 B", "-c 100 -w 1 --size 128"),
        _echo("echo-16", "echo, 100 connections, 16 in flight, 128 B", "-c 100 -w 16 --size 128"),
        _echo("echo-16k", "echo, 100 connections, 1 in flight, 16 KiB", "-c 100 -w 1 --size 16k"),
        _HANDSHAKE,
        dataclasses.replace(
            _HANDSHAKE,
            name="idle-memory",
            title="user memory of an idle connection",
            figure="private_bytes_per_connection",
            unit="bytes",
            same_run="handshake",
        ),
        dataclasses.replace(
            _HANDSHAKE,
            name="idle-cpu",
            title="CPU of 10,000 idle connections",
            figure="server_cpu_s_per_s",
            unit="ms/s",
            factor=1000.0,
            yardstick=None,
            same_run="handshake",
        ),
    ),
)

_LINGERED = _fanout(
    "linger-500",
    "1000 members, 500 messages a second, 100 B",
    "-c 1000 -s 10 -r 500 --size 100",
    yardstick="linger-0",
    turns=2,
)

_LINGER = Section(
    "linger",
    "Lingering",
    "`server.linger_ms` holds what goes to a group for so long, that more messages share one send. It is 0 by default.",
    ("linger-0", "linger-1", "linger-2", "linger-5"),
    (_LINGERED, _latency(_LINGERED)),
)

_SEND = Section(
    "send",
    "Send path",
    "`server.io_uring` chooses how a batch gets to the members: one `send()` for each, or some dozens handed to the "
    "kernel at a time. Left at `auto`, Stoa takes io_uring where the kernel has it.",
    ("send-plain", "send-uring"),
    (
        _fanout(
            "send-32-16",
            "32 members, all send, 16 in flight, 64 B",
            "-c 32 -w 16 --size 64",
            yardstick="send-plain",
            quick=False,
        ),
        _fanout(
            "send-1000-1",
            "1000 members, 10 send, 1 in flight, 100 B",
            "-c 1000 -s 10 -w 1 --size 100",
            yardstick="send-plain",
        ),
        _fanout(
            "send-1000-rate",
            "1000 members, 100 messages a second, 100 B",
            "-c 1000 -s 10 -r 100 --size 100",
            yardstick="send-plain",
            turns=2,
        ),
    ),
)

_WORKERS_32 = _fanout(
    "workers-32-16",
    "32 members, all send, 16 in flight, 64 B",
    "-c 32 -w 16 --size 64",
    yardstick="workers-1",
)
_WORKERS_1000 = _fanout(
    "workers-1000-1",
    "1000 members, 10 send, 1 in flight, 100 B",
    "-c 1000 -s 10 -w 1 --size 100",
    yardstick="workers-1",
)

_WORKERS = Section(
    "workers",
    "Two workers",
    "A machine with two cores cannot show how a server grows with more of them, for the generator needs one. It shows "
    "the price: with two workers on the one core that a server has here anyway, every message crosses between threads "
    "and nothing runs side by side. In the last column the two workers have both cores, one of them shared with the "
    "generator, so what it delivers a second is what three threads do on two cores.",
    ("workers-1", "workers-2", "workers-2-both"),
    (
        _WORKERS_32,
        _delivered(_WORKERS_32),
        _WORKERS_1000,
        _delivered(_WORKERS_1000),
    ),
)

_DEFLATE = Section(
    "deflate",
    "Compression",
    "permessage-deflate, agreed to by every member. Stoa compresses a message once, for all; the ratio is to Stoa.",
    ("stoa", "uws", "bun", "ws", "gorilla", "lws"),
    (
        _fanout(
            "plain-1k",
            "1000 members, 100 a second, 1 KiB, not compressed",
            "-c 1000 -s 10 -r 100 --size 1k",
            yardstick="stoa",
            quick=False,
            turns=2,
        ),
        _fanout(
            "deflate-1k",
            "1000 members, 100 a second, 1 KiB, compressed",
            "-c 1000 -s 10 -r 100 --size 1k --deflate",
            kind="fanout-deflate",
            yardstick="stoa",
            turns=2,
        ),
    ),
    needs="--deflate",
)

_IDLE_TLS = _idle(
    "tls-handshake",
    "handshake over TLS, 1000 connections",
    1000,
    kind="fanout-tls",
    figure="server_cpu_us_per_handshake",
    yardstick="stoa",
    quick=False,
)

_TLS = Section(
    "tls",
    "TLS",
    "The same programs with a P-256 certificate of their own. The ratio is to Stoa.",
    ("stoa", "uws", "bun", "ws", "gorilla", "lws"),
    (
        _fanout(
            "tls-1000-1",
            "1000 members, 10 send, 1 in flight, 100 B",
            "-c 1000 -s 10 -w 1 --size 100",
            kind="fanout-tls",
            yardstick="stoa",
            quick=False,
        ),
        _echo(
            "tls-echo-1",
            "echo, 100 connections, 1 in flight, 128 B",
            "-c 100 -w 1 --size 128",
            kind="echo-tls",
            yardstick="stoa",
        ),
        _echo(
            "tls-echo-16k",
            "echo, 100 connections, 1 in flight, 16 KiB",
            "-c 100 -w 1 --size 16k",
            kind="echo-tls",
            yardstick="stoa",
            quick=False,
        ),
        _IDLE_TLS,
        dataclasses.replace(
            _IDLE_TLS,
            name="tls-idle-memory",
            title="user memory of an idle connection",
            figure="private_bytes_per_connection",
            unit="bytes",
            same_run="tls-handshake",
        ),
    ),
    needs="wss://",
)

SECTIONS = (_PEERS, _LINGER, _SEND, _WORKERS, _DEFLATE, _TLS)
WORKLOADS = tuple(workload for section in SECTIONS for workload in section.workloads)


def section_of(workload):
    """The section of the workload."""
    return next(section for section in SECTIONS if any(each.name == workload.name for each in section.workloads))


def value(workload, report):
    """The workload's figure from a report of `stoa bench --json`; None when it was not measured."""
    if workload.figure == "server_cpu_s_per_s":
        return report["server_cpu_s"] / report["window_s"] * workload.factor
    number = report[workload.figure]
    return None if number is None else number * workload.factor
