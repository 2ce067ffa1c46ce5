"""Start a server, load it, stop it; many times, with the servers taking turns."""

import contextlib
import dataclasses
import glob
import json
import os
import re
import resource
import socket
import subprocess
import tempfile
import time

from harness import servers, workloads

START_DEADLINE_S = 20
BUSY = 0.1  # of a processor, used by other programs: such a run does not count


@dataclasses.dataclass(frozen=True)
class Plan:
    """How long and how often. With `quick`, every workload takes one turn a round."""

    build: str
    rounds: int
    warmup: str
    duration: str
    quick: bool = False

    def turns_of(self, workload):
        """How often each server runs the workload in a round."""
        return 1 if self.quick else workload.turns


@dataclasses.dataclass
class Run:
    """One run of one server. `problem` says why its figures do not count, `foreign_cpu` how much of a processor went
    to programs outside of this measurement."""

    server: str
    workload: str
    round: int
    turn: int = 1
    report: dict = None
    problem: str = None
    foreign_cpu: float = None


def pinned(*processors):
    """A function for the child that binds it to these processors, if there are two."""
    if len(os.sched_getaffinity(0)) < 2:
        return None
    all_of_them = sorted(os.sched_getaffinity(0))
    return lambda: os.sched_setaffinity(0, {all_of_them[each] for each in processors})


def busy_s():
    """How long the processors have been busy, all of them together."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _, _, irq, softirq, steal = (int(word) for word in file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def cpu_s(pid):
    """Processor time of the process: the sum over its threads, in nanoseconds precision."""
    total_ns = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with contextlib.suppress(OSError), open(path, encoding="ascii") as file:
            total_ns += int(file.read().split()[0])
    return total_ns / 1e9


def children_cpu_s():
    """Processor time of children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def free_port():
    """A port that was free a moment ago, outside of the range of ephemeral ports."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        first = int(file.read().split()[0])
    for port in range(max(first - 8000, 1025), first):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


def wait_until_served(process, port):
    """Wait until the port accepts connections, which works for all servers."""
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return f"the server ended with status {process.returncode}"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return None
        time.sleep(0.02)
    return f"the server did not listen within {START_DEADLINE_S} s"


def load(plan, workload, port, pid):
    """Run the generator. Returns its report and its problem, if any."""
    scheme = "wss" if servers.over_tls(workload.kind) else "ws"
    command = [
        os.path.join(plan.build, "tools/stoa/stoa"),
        *("bench", workload.mode, f"{scheme}://127.0.0.1:{port}/", "--json", "-p", str(pid)),
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


def missed_rate(report):
    """Did fewer messages arrive than were due? Then messages that should come one at a time come in bursts."""
    rate = report.get("rate_per_s")
    return bool(rate) and report["deliveries_per_s"] < 0.95 * rate * report["connections"]


def watched_load(plan, workload, port, process, run):
    """Load the server, and measure what else the machine did meanwhile."""
    began, busy, own = time.monotonic(), busy_s(), children_cpu_s() + cpu_s(process.pid)
    run.report, run.problem = load(plan, workload, port, process.pid)
    if process.poll() is None:
        own = children_cpu_s() + cpu_s(process.pid) - own
        run.foreign_cpu = max(0.0, (busy_s() - busy - own) / (time.monotonic() - began))
    # A server that is too slow for the rate counts all the same. One that was kept from its processor does not.
    if run.problem is None and (run.foreign_cpu or 0) > BUSY and missed_rate(run.report):
        run.problem = f"too few messages a second, and other programs took {run.foreign_cpu:.0%} of a processor"


def run_once(plan, server, workload, run):
    """A new server for each run, so that no run is affected by the one before."""
    port = free_port()
    command = servers.fill(server.commands[workload.kind], plan.build, port)
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=said, preexec_fn=pinned(*server.processors)
        ) as process:
            try:
                run.problem = wait_until_served(process, port)
                if run.problem is None:
                    watched_load(plan, workload, port, process, run)
            finally:
                process.kill()
        said.seek(0)
        lines = said.read().splitlines()
    if run.problem and lines:
        run.problem += ": " + lines[-1]
    return run


def turns(plan, chosen_servers, chosen_workloads):
    """The order of runs: A B C, then C B A, so that no server always follows the same one."""
    names = {workload.name for workload in chosen_workloads}
    for number in range(1, plan.rounds + 1):
        for workload in chosen_workloads:
            if workload.same_run in names:
                continue
            mine = workloads.section_of(workload).servers
            order = [each for each in chosen_servers if each.name in mine and workload.kind in each.commands]
            for turn in range(1, plan.turns_of(workload) + 1):
                for server in order if (number + turn) % 2 == 0 else reversed(order):
                    yield server, workload, Run(server.name, workload.name, number, turn)


def measure(plan, chosen_servers, chosen_workloads, tell):
    """All runs."""
    runs = []
    for server, workload, run in turns(plan, chosen_servers, chosen_workloads):
        runs.append(run_once(plan, server, workload, run))
        tell(describe(plan, server, workload, run))
    return runs


def describe(plan, server, workload, run):
    """A line of progress."""
    start = f"round {run.round}/{plan.rounds}  {workload.name:<18} {server.title:<26}"
    if run.problem:
        return f"{start} NOT COUNTED: {run.problem}"
    number = workloads.value(workload, run.report)
    busy = f"  other programs took {run.foreign_cpu:.0%} of a processor" if (run.foreign_cpu or 0) > BUSY else ""
    return f"{start} {number:>10.3f} {workload.unit}{busy}"


def machine():
    """The machine, for the page."""
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
