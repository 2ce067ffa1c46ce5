"""Start a server, load it, stop it; over and over, the servers taking turns."""

import contextlib
import dataclasses
import json
import os
import re
import socket
import subprocess
import tempfile
import time

from harness import servers, workloads

START_DEADLINE_S = 20


@dataclasses.dataclass(frozen=True)
class Plan:
    """How long and how often."""

    build: str
    rounds: int
    warmup: str
    duration: str


@dataclasses.dataclass
class Run:
    """One load of one server. `problem` tells why its figures do not count."""

    server: str
    workload: str
    round: int
    report: dict = None
    problem: str = None


def pinned(cpu):
    """A function for the child that keeps it to one processor, where there are two."""
    if len(os.sched_getaffinity(0)) < 2:
        return None
    chosen = sorted(os.sched_getaffinity(0))[cpu]
    return lambda: os.sched_setaffinity(0, {chosen})


def free_port():
    """A port that was free a moment ago: outside of the range that connections take theirs from."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        first = int(file.read().split()[0])
    for port in range(max(first - 8000, 1025), first):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


def wait_until_served(process, port):
    """Until the port answers. Asking is the one way that all servers understand."""
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return f"the server ended with status {process.returncode}"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return None
        time.sleep(0.02)
    return f"the server did not listen within {START_DEADLINE_S} s"


def load(plan, workload, port, pid):
    """Run the generator. Returns its report and what is wrong with it."""
    command = [
        os.path.join(plan.build, "tools/stoa/stoa"),
        *("bench", workload.mode, f"ws://127.0.0.1:{port}/", "--json", "-p", str(pid)),
        *("-d", plan.duration, "--warmup", plan.warmup if workload.mode != "idle" else "500ms"),
        *workload.arguments,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=pinned(1))
    if not done.stdout:
        return None, done.stderr.strip() or f"the generator ended with status {done.returncode}"
    report = json.loads(done.stdout)
    if done.returncode != 0 or not report["passed"]:
        faults = ", ".join(f"{count} {name}" for name, count in report["faults"].items() if count)
        return report, f"wrong deliveries: {faults or 'none at all came'}"
    return report, None


def run_once(plan, server, workload, number):
    """A fresh server for each run, so that no run pays for the one before."""
    run = Run(server.name, workload.name, number)
    port = free_port()
    command = servers.fill(server.commands[workload.kind], plan.build, port)
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=said, preexec_fn=pinned(0)
        ) as process:
            try:
                run.problem = wait_until_served(process, port)
                if run.problem is None:
                    run.report, run.problem = load(plan, workload, port, process.pid)
            finally:
                process.kill()
        said.seek(0)
        lines = said.read().splitlines()
    if run.problem and lines:
        run.problem += ": " + lines[-1]
    return run


def measure(plan, chosen_servers, chosen_workloads, tell):
    """All runs. In each round and workload the servers follow one another: A B C, A B C."""
    runs = []
    for number in range(1, plan.rounds + 1):
        for workload in chosen_workloads:
            if workload.same_run and any(other.name == workload.same_run for other in chosen_workloads):
                continue
            for server in chosen_servers:
                if workload.kind not in server.commands:
                    continue
                run = run_once(plan, server, workload, number)
                runs.append(run)
                tell(describe(plan, server, workload, run))
    return runs


def describe(plan, server, workload, run):
    """A line of progress."""
    start = f"round {run.round}/{plan.rounds}  {workload.name:<18} {server.title:<13}"
    if run.problem:
        return f"{start} NOT COUNTED: {run.problem}"
    number = workloads.value(workload, run.report)
    return f"{start} {number:>10.3f} {workload.unit}"


def machine():
    """What it ran on, for the page."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"^model name\s*: (.*)$", file.read(), re.MULTILINE)
    system = "Linux"
    with contextlib.suppress(OSError), open("/etc/os-release", encoding="utf-8") as file:
        system = re.search(r'^PRETTY_NAME="?([^"\n]*)', file.read(), re.MULTILINE).group(1)
    return {
        "processor": model.group(1) if model else os.uname().machine,
        "cores": len(os.sched_getaffinity(0)),
        "system": system,
        "kernel": os.uname().release,
        "load_before": os.getloadavg()[0],
    }
