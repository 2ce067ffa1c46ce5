"""bench/million/run, small: figures when all is well, words when it is not, and no process left running."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile

from server_process import wait_until
from tap import run, test

RUN, BROADCAST, CLIENT = (os.environ[name] for name in ("RUN", "BROADCAST", "CLIENT"))
DEADLINE_S = 120


@contextlib.contextmanager
def build_folder(broadcast=BROADCAST):
    """As ./dev build leaves it, of links."""
    with tempfile.TemporaryDirectory() as folder:
        for path, target in (("examples/broadcast/broadcast", broadcast), ("bench/million/million-client", CLIENT)):
            os.makedirs(os.path.join(folder, os.path.dirname(path)))
            os.symlink(target, os.path.join(folder, path))
        yield folder


def session_of(pid):
    """The session that a process belongs to; None when it has gone."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
        return int(fields[3]) if fields[0] != "Z" else None
    return None


def left_of(session):
    """What still runs of everything that one run has started."""
    return [pid for pid in os.listdir("/proc") if pid.isdigit() and session_of(pid) == session]


@contextlib.contextmanager
def running(*arguments, build, before=()):
    """The script in a session of its own, so that what it started can be told from all else."""
    with subprocess.Popen(
        [*before, RUN, "--build", build, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def finished(*arguments, broadcast=BROADCAST, before=()):
    """Status, output and what was told, of a run that left nothing running."""
    with build_folder(broadcast) as build, running(*arguments, build=build, before=before) as process:
        output, told = process.communicate(timeout=DEADLINE_S)
        wait_until(lambda: not left_of(process.pid), "all processes to have gone")
        return process.returncode, output, told


def fails(why, *arguments, **more):
    status, output, told = finished(*arguments, **more)
    assert status == 1 and why in told and output == "", (status, output, told)


@test("300 connections at 3 processes receive every broadcast once")
def small():
    status, output, told = finished(
        "--connections", 300, "--processes", 3, "--rounds", 2, "--idle", 0.1, "--deadline", 100, "--json")
    assert status == 0, told
    figures = json.loads(output)
    assert figures["connections"] == 300 and figures["processes"] == 3
    assert 0 < figures["fewest"] <= 100 <= figures["most"] < 300
    assert [each["deliveries"] for each in figures["rounds"]] == [300, 300]
    assert all(each["wall_s"] > 0 and each["server_cpu_us"] > 0 for each in figures["rounds"])
    assert figures["handshakes"]["count"] == 300 - 96
    assert "deliveries lost, doubled, damaged or of another server" in told


@test("more connections than the machine allows are refused before anything is started")
def refused():
    fails("connections need about", "--connections", 10**9, "--processes", 10**6)
    few = ("prlimit", "--nofile=300")
    fails("descriptors in each of 2 processes", "--connections", 4000, "--processes", 2, before=few)
    fails("more processes than connections", "--connections", 2, "--processes", 3)
    with tempfile.TemporaryDirectory() as empty, running(build=empty) as process:
        _, told = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 1 and "is not there" in told, told


@test("a server that does not start ends the run")
def no_server():
    fails("a server ended with status 1", "--connections", 30, "--processes", 2, broadcast="/bin/false")


@test("a run that takes too long is ended at its deadline")
def too_long():
    with tempfile.TemporaryDirectory() as folder:
        script = os.path.join(folder, "silent")
        with open(script, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nexec sleep 600\n")
        os.chmod(script, 0o700)
        fails("not done within 1 s: starting", "--connections", 30, "--processes", 2, "--deadline", 1, broadcast=script)


@test("Ctrl-C, SIGTERM and SIGKILL leave no process running")
def interrupted():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        arguments = ("--connections", 90, "--processes", 3, "--idle", 600)
        with build_folder() as build, running(*arguments, build=build) as process:
            for line in process.stderr:
                if "leaving them alone" in line:
                    break
            assert len(left_of(process.pid)) == 7
            process.send_signal(number)
            process.wait(DEADLINE_S)
            assert process.returncode == (-number if number == signal.SIGKILL else 1)
            wait_until(lambda session=process.pid: not left_of(session), "all processes to have gone")


run()
