"""A server program under test: started, watched from outside through /proc, and ended."""

import json
import os
import re
import signal
import subprocess
import threading
import time

DEADLINE_S = 60
LISTENING = re.compile(r'\bevent="?listening\b.*\baddress="?(?:unix:\S+|[^\s"]*?:(\d+))"?(?:\s|$)')
REPORTS = ("Sanitizer", "runtime error:", "Assertion")
# What AddressSanitizer keeps of freed memory would hide how much the program holds.
SANITIZER_OPTIONS = "detect_leaks=1:quarantine_size_mb=4:malloc_context_size=8"


def wait_until(condition, what, deadline_s=DEADLINE_S):
    """Look again and again until the condition holds; what cannot tell by itself that it has changed is watched so."""
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        threading.Event().wait(0.02)


def sanitizer_environment():
    environment = dict(os.environ)
    given = environment.get("ASAN_OPTIONS", "")
    environment["ASAN_OPTIONS"] = f"{given}:{SANITIZER_OPTIONS}" if given else SANITIZER_OPTIONS
    return environment


class Server:
    """settings are those of --set, with the dots as they are: {"server.compression": True}. The chat keeps its messages
    in memory, unless they say where else.

    options stand before them, as ["-c", path]. It listens on 127.0.0.1 unless they have server.addresses or
    server.listeners, and has no admin listener unless they have server.admin.address. launcher is a program with arguments that executes the server, variables are for its
    environment, and pass_fds are descriptors that it inherits. listening: so many addresses are in the files of the
    options, and --set names none."""

    def __init__(self, program, settings=None, limit_descriptors=None, options=(), launcher=(), variables=None,
                 pass_fds=(), listening=None):
        everything = {"server.workers": 1}
        if listening is None:
            everything["server.admin.address"] = "off"
        if listening is None and "server.listeners" not in (settings or {}):
            everything["server.addresses"] = ["127.0.0.1:0"]
        if "STOA_TEST_IO_URING" in os.environ:
            everything["server.io_uring"] = os.environ["STOA_TEST_IO_URING"]
        everything.update(settings or {})
        own_storage = ("data_dir", "engine.kind", "engine.local.path")
        if os.path.basename(program) == "chatroom" and not any(key in everything for key in own_storage):
            everything["engine.kind"] = "memory"
        arguments = [program, *options]
        for key, value in everything.items():
            arguments += ["--set", f"{key}={json.dumps(value)}"]
        if limit_descriptors is not None:
            arguments = ["prlimit", f"--nofile={limit_descriptors}", *arguments]
        arguments = [*launcher, *arguments]
        self.lines = []
        self.heard = threading.Condition()
        self.ports = []  # of those that have one
        self.listening = 0
        self.awaited = listening
        if listening is None:
            self.awaited = len(everything.get("server.listeners") or everything["server.addresses"])
            self.awaited += everything["server.admin.address"] != "off"
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            errors="replace", env={**sanitizer_environment(), **(variables or {})}, pass_fds=pass_fds)
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        try:
            self._await_ports()
        except BaseException:
            self.kill()
            raise

    @property
    def port(self):
        return self.ports[0]

    @property
    def pid(self):
        return self.process.pid

    @property
    def log(self):
        return "".join(self.lines)

    def _read_log(self):
        for line in self.process.stderr:
            with self.heard:
                self.lines.append(line)
                found = LISTENING.search(line)
                self.listening += found is not None
                if found and found.group(1):
                    self.ports.append(int(found.group(1)))
                self.heard.notify_all()
        with self.heard:
            self.awaited = 0
            self.heard.notify_all()

    def _await_ports(self):
        with self.heard:
            heard = self.heard.wait_for(lambda: self.listening >= self.awaited, DEADLINE_S)
        assert heard and self.ports, f"the server does not listen:\n{self.log}"

    def wait_for_log(self, *texts):
        """The first line that holds all the texts; it may come later than the answer to what caused it."""

        def first():
            return next((line for line in self.lines if all(text in line for text in texts)), None)

        with self.heard:
            found = self.heard.wait_for(first, DEADLINE_S)
        assert found, f"no line with {texts!r} in the log:\n{self.log}"
        return found

    def wait_for_lines(self, text, count):
        """Until so many lines have the text."""
        with self.heard:
            heard = self.heard.wait_for(lambda: sum(text in line for line in self.lines) >= count, DEADLINE_S)
        assert heard, f"not {count} lines with {text!r} in the log:\n{self.log[-6000:]}"

    def wait_for_idle(self, condition):
        """Wait for a condition while nobody asks anything of the server."""
        wait_until(condition, "an idle server")

    # What the kernel knows of it.

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def sockets(self):
        """How many descriptors are sockets, the listening ones included."""
        count = 0
        for name in os.listdir(f"/proc/{self.pid}/fd"):
            try:
                count += os.readlink(f"/proc/{self.pid}/fd/{name}").startswith("socket:")
            except FileNotFoundError:
                pass
        return count

    def resident_bytes(self):
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def cpu_ticks(self):
        """User and system time used so far, in clock ticks of 10 ms."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def alive(self):
        return self.process.poll() is None

    # The end.

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        self.process.wait(DEADLINE_S)
        self.reader.join(DEADLINE_S)
        return self.process.returncode

    def check_end(self):
        """It ends by itself with status 0, and no sanitizer has found anything."""
        status = self.wait()
        reports = [line for line in self.lines if any(word in line for word in REPORTS)]
        assert not reports, f"the sanitizers report:\n{self.log[-6000:]}"
        assert status == 0, f"exit status {status}, not 0:\n{self.log[-3000:]}"

    def stop(self):
        assert self.alive(), f"the server has ended with {self.process.returncode}:\n{self.log[-6000:]}"
        self.signal(signal.SIGTERM)
        self.check_end()

    def kill(self):
        if self.alive():
            self.process.kill()
        self.process.wait()
        self.reader.join(DEADLINE_S)
