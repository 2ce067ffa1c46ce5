"""One run: a server, honest sessions, their neighbours, and what the kernel reports about the server meanwhile."""

import contextlib
import dataclasses
import fcntl
import json
import os
import re
import signal
import subprocess
import time

from harness import measure
from fairness import scenarios

SERVER = "apps/chatroom/chatroom"
BYSTANDER = "bench/fairness/fairness-bystander"
NEIGHBOUR = "bench/fairness/fairness-neighbour"
DEADLINE_S = 30
POLL_S = 0.02
SETTLE_S = 0.3
IDLE_SESSIONS = 48
PING_EVERY_US = 5000
PIPE_BYTES_MIN = 4096
HONEST_NICE = -10
LISTENING = re.compile(rb'event="?listening\b.*?address="?[^\s"]*?:(\d+)')

# Short, so that a server that mistakes stalled input for silence closes healthy sessions within a run.
LIVENESS = {"server.ping_interval_ms": 1500, "server.pong_timeout_ms": 500}


class Fault(Exception):
    """The run cannot be measured; the text says why."""


@dataclasses.dataclass(frozen=True)
class Plan:
    build: str
    folder: str  # has the files that are served and sent
    duration_s: float

    def program(self, path):
        return os.path.join(self.build, path)


@dataclasses.dataclass
class Run:
    """The figures of one run of a scenario. Times are in milliseconds; `problem` says why they do not count."""

    scenario: str
    round: int
    problem: str = None
    seconds: float = 0
    answered: dict = None
    lag: dict = None
    pings: int = 0
    resident_idle_bytes: int = 0
    resident_growth_bytes: int = 0
    healthy: int = 0
    closed: list = dataclasses.field(default_factory=list)
    server_cpu: float = 0  # of a processor
    server_kept_waiting: float = 0  # share of the time that it waited for its processor
    foreign_cpu: float = 0
    neighbours_sent_bytes: int = 0
    neighbours_received_bytes: int = 0
    neighbours_connections: int = 0


def before_start(processor, nice=HONEST_NICE):
    """Runs in a child before its program: bind it to a processor, and give it priority over the machine's other
    programs, where that is permitted."""
    pin = measure.pinned(processor)

    def prepare():
        if pin is not None:
            pin()
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, nice)

    return prepare


class Child:
    """A process that ends with its standard input, or with this process."""

    def __init__(self, command, processor, nice=HONEST_NICE):
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=before_start(processor, nice))

    def line(self):
        said = self.process.stdout.readline()
        if not said:
            raise Fault(f"{os.path.basename(self.process.args[3])} ended with status {self.process.wait(DEADLINE_S)}")
        return said.split()

    def set_idle(self, on):
        """Run it only when its processor is idle, or like other processes again."""
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(self.process.pid, os.SCHED_IDLE if on else os.SCHED_OTHER, os.sched_param(0))

    def tell(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def finish(self):
        """Its last line of output."""
        self.process.stdin.close()
        last = self.process.stdout.read()
        self.process.wait(DEADLINE_S)
        return last

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        with contextlib.suppress(OSError):
            self.process.stdin.close()


def make_files(folder):
    """Write the served files, the certificate, and the bytes that the neighbours send."""
    for name, size in ((scenarios.LARGE_FILE, scenarios.LARGE_BYTES), (scenarios.SMALL_FILE, scenarios.SMALL_BYTES)):
        os.makedirs(os.path.join(folder, "www"), exist_ok=True)
        with open(os.path.join(folder, "www", name), "wb") as file:
            file.write(b"stoa" * (size // 4))
    certificate, key = (os.path.join(folder, name) for name in ("tls.crt", "tls.key"))
    subprocess.run(
        ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", key, "-out", certificate, "-subj", "/CN=localhost"),
        check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.chmod(key, 0o600)


class Server:
    """A chat room with one worker on its own processor: a plain listener, and one with TLS."""

    def __init__(self, plan, log_unread):
        self.log, log_end = os.pipe()
        if log_unread:
            fcntl.fcntl(log_end, fcntl.F_SETPIPE_SZ, PIPE_BYTES_MIN)
        settings = {
            "server.addresses": ["127.0.0.1:0", "wss://127.0.0.1:0"],
            "server.admin.address": "off",
            "server.tls.certificate": os.path.join(plan.folder, "tls.crt"),
            "server.tls.key": os.path.join(plan.folder, "tls.key"),
            "server.web_root": os.path.join(plan.folder, "www"),
            "server.workers": 1,
            "server.compression": True,
            "engine.kind": "memory",
            "server.limits.sessions_max": 10000,
            **LIVENESS,
        }
        words = [word for key, value in settings.items() for word in ("--set", f"{key}={json.dumps(value)}")]
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", plan.program(SERVER), *words], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=log_end, preexec_fn=before_start(0))
        os.close(log_end)
        self.drain = None
        try:
            self.ports = self._await_ports()
            if not log_unread:
                self._read_on(plan)
        except BaseException:
            self.end()
            raise

    def _await_ports(self):
        said = b""
        while len(LISTENING.findall(said)) < 2:
            more = os.read(self.log, 4096)
            if not more:
                raise Fault("the server ended: " + said.decode(errors="replace").strip())
            said += more
        return [int(port) for port in LISTENING.findall(said)]

    def _read_on(self, plan):
        """A process must read the log; a thread here would have to wait for the interpreter's lock."""
        with open(os.path.join(plan.folder, "log"), "wb") as kept:
            self.drain = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "cat"], stdin=self.log, stdout=kept, preexec_fn=before_start(1))

    def status_bytes(self, name):
        """A size of /proc/PID/status."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name + ":"))

    def forget_peak(self):
        with contextlib.suppress(OSError), open(f"/proc/{self.process.pid}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")

    def scheduled_s(self):
        """How long its threads have run, and have waited for a processor."""
        ran, waited = 0, 0
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            path = f"/proc/{self.process.pid}/task/{task}/schedstat"
            with contextlib.suppress(OSError), open(path, encoding="ascii") as file:
                words = file.read().split()
                ran, waited = ran + int(words[0]), waited + int(words[1])
        return ran / 1e9, waited / 1e9

    def end(self):
        """Kill it, because in one of the scenarios the server does not end otherwise."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        if self.drain is not None:
            self.drain.wait(DEADLINE_S)
        os.close(self.log)


def honest(plan, server, *options, source):
    command = [plan.program(BYSTANDER), *options, str(server.ports[0]), source]
    return Child(command, 1)


def start_neighbours(plan, server, scenario, children):
    """Start the neighbours; they only wait for the command to begin."""
    for group, kind in enumerate(scenario.neighbours):
        paths = {}
        for word, said in (("first", kind.first), ("then", kind.then)):
            if said:
                paths[word] = os.path.join(plan.folder, f"{scenario.name}-{group}-{word}")
                with open(paths[word], "wb") as file:
                    file.write(said)
        files = [option for word, path in paths.items() for option in (f"--{word}", path)]
        for number in range(kind.processes):
            port = server.ports[1 if kind.secure else 0]
            source = f"127.0.{1 + group}.{1 + number}"
            command = [plan.program(NEIGHBOUR), *kind.options(), *files, str(port), source]
            children.append(Child(command, 1, nice=0))
    for child in children:
        child.line()
        child.set_idle(True)


def note_neighbours(run, children):
    for child in children:
        child.set_idle(False)
    for child in children:
        sent, received, connections = (int(word) for word in child.finish().split()[1:])
        run.neighbours_sent_bytes += sent
        run.neighbours_received_bytes += received
        run.neighbours_connections += connections


def note_honest(run, pinging, idle):
    figures = json.loads(pinging.finish())
    run.pings, run.answered, run.lag = figures["pings"], figures["answered"], figures["lag"]
    others = json.loads(idle.finish())
    run.healthy = figures["sessions"] + others["sessions"]
    run.closed = figures["closed"] + others["closed"]


def own_cpu_s(children):
    """Processor time of this process, its ended children, and the given running ones."""
    alive = sum(measure.cpu_s(child.process.pid) for child in children)
    return time.process_time() + measure.children_cpu_s() + alive


def open_honest(plan, server, children):
    """The session that pings, and the sessions that only answer pings."""
    idle = honest(plan, server, "--idle", str(IDLE_SESSIONS), source="127.0.0.2")
    pinging = honest(plan, server, "--interval-us", str(PING_EVERY_US), source="127.0.0.3")
    children += [idle, pinging]
    for child in (idle, pinging):
        child.line()
    return idle, pinging


def measure_window(plan, run, server, pinging, neighbours):
    """Measures from before the first neighbour begins until `duration_s` after the last one has begun."""
    server.forget_peak()
    run.resident_idle_bytes = server.status_bytes("VmRSS")
    began, (ran, waited) = time.monotonic(), server.scheduled_s()
    busy, own = measure.busy_s(), own_cpu_s(neighbours)
    pinging.tell("measure")
    for child in neighbours:
        child.tell("begin")
    for child in neighbours:
        child.line()
    time.sleep(plan.duration_s)
    run.seconds = time.monotonic() - began
    ran, waited = (after - before for after, before in zip(server.scheduled_s(), (ran, waited)))
    own = own_cpu_s(neighbours) + measure.cpu_s(pinging.process.pid) + ran - own
    run.server_cpu, run.server_kept_waiting = ran / run.seconds, waited / run.seconds
    run.foreign_cpu = max(0.0, (measure.busy_s() - busy - own) / run.seconds)


def observe(plan, scenario, run, server, children):
    idle, pinging = open_honest(plan, server, children)
    time.sleep(SETTLE_S)
    neighbours = []
    try:
        start_neighbours(plan, server, scenario, neighbours)
        measure_window(plan, run, server, pinging, neighbours)
        note_honest(run, pinging, idle)
        run.resident_growth_bytes = max(0, server.status_bytes("VmHWM") - run.resident_idle_bytes)
        note_neighbours(run, neighbours)
    finally:
        for child in neighbours:
            child.kill()


def run_once(plan, scenario, number):
    """A fresh server for each run."""
    run = Run(scenario.name, number)
    children = []
    try:
        server = Server(plan, scenario.log_unread)
        try:
            observe(plan, scenario, run, server, children)
        finally:
            for child in children:
                child.kill()
            server.end()
    except (Fault, subprocess.TimeoutExpired, json.JSONDecodeError) as fault:
        run.problem = str(fault) or type(fault).__name__
    return run
