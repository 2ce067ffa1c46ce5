"""Servers and their crowd: started, killed, started again, and what both have used."""

import dataclasses
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

FOLDER = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(FOLDER))
DEADLINE_S = 120
TICKS = os.sysconf("SC_CLK_TCK")
NAMES = {"stoa": "Stoa, examples/feed, durability full", "socketio": "Socket.IO with recovery", "ws": "Node ws"}


def tell(text):
    print(text, file=sys.stderr, flush=True)


def prepare(build, servers):
    """Check what is needed before anything is started; packages of npm are installed once, beside this file."""
    for path in ("examples/feed/feed", "bench/durable/durable-crowd"):
        if not os.path.exists(os.path.join(build, path)):
            sys.exit(f"{build}/{path} is not there; ./dev build makes it")
    if set(servers) - {"stoa"} and not os.path.exists(os.path.join(FOLDER, "node_modules", "socket.io")):
        tell("installing npm packages into bench/durable/node_modules")
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=FOLDER, check=True,
                       stdin=subprocess.DEVNULL)


def free_port():
    """Below the range of outgoing connections: they must not take it while the server is down."""
    for port in range(20000 + os.getpid() % 8000, 32000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    raise OSError("no free port")


class Server:
    """One of NAMES at a port; its data are in the folder, and stay there when it is killed."""

    def __init__(self, name, build, port, folder):
        if name == "stoa":
            command = [os.path.join(build, "examples/feed/feed"), "--set", f'server.addresses=["127.0.0.1:{port}"]',
                       "--set", "server.admin.address=off", "--set", f"data_dir={folder}", "--set",
                       "log.connections=off"]
        else:
            command = ["node", os.path.join(FOLDER, name + ".mjs"), str(port)]
        # Standard output of Node's servers, standard error of Stoa: both say when they listen.
        self.process = subprocess.Popen(command, cwd=FOLDER, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        self.lines = []
        for line in self.process.stdout:
            self.lines.append(line)
            if "listening" in line:
                break
        else:
            raise RuntimeError(f"{name} does not listen: {''.join(self.lines)}")
        self.listens_at_s = time.monotonic()
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self):
        for line in self.process.stdout:
            self.lines = self.lines[-50:] + [line]

    def cpu_s(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def peak_bytes(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Crowd:
    """The clients; `joined` has the moments at which all of them were."""

    def __init__(self, name, build, port, options):
        self.process = subprocess.Popen(
            [os.path.join(build, "bench/durable/durable-crowd"), name, str(port), *map(str, options)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.joined, self.result = [], None
        self.heard = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.heard:
                if line.startswith("joined "):
                    self.joined.append(float(line.split()[1]))
                else:
                    self.result = json.loads(line)
                self.heard.notify_all()
        with self.heard:
            self.joined.append(None)  # nothing comes any more
            self.heard.notify_all()

    def wait_until_joined(self, times):
        """The moment at which all were joined for the n-th time; None when that never came."""
        with self.heard:
            self.heard.wait_for(lambda: len(self.joined) >= times or self.joined[-1:] == [None], DEADLINE_S)
            return self.joined[times - 1] if len(self.joined) >= times else None

    def finish(self):
        self.reader.join(DEADLINE_S)
        if self.process.wait(DEADLINE_S) != 0 or self.result is None:
            raise RuntimeError(f"the clients have ended with {self.process.returncode}")
        return self.result

    def kill(self):
        self.process.kill()
        self.process.wait()


@dataclasses.dataclass
class Run:
    result: dict
    back_s: float = None  # from the moment at which the server listens again until all clients have joined
    cpu_s: float = None  # of the second server until then
    peak_bytes: int = None


def run_once(name, build, clients, seconds, rate, drops, retry, kill):
    """One server and its crowd. kill: in the middle, the server is killed and started again at once."""
    folder = tempfile.mkdtemp(prefix="stoa-bench-durable-")
    port = free_port()
    server = Server(name, build, port, folder)
    crowd = None
    try:
        crowd = Crowd(name, build, port, (clients, seconds, rate, int(drops), retry))
        if crowd.wait_until_joined(1) is None:
            raise RuntimeError(f"the clients do not join {name}")
        run = Run({})
        if kill:
            time.sleep(seconds / 2)
            server.kill()
            server = Server(name, build, port, folder)
            if not drops:
                back_at_s = crowd.wait_until_joined(2)
                run.back_s = None if back_at_s is None else back_at_s - server.listens_at_s
                run.cpu_s, run.peak_bytes = server.cpu_s(), server.peak_bytes()
        run.result = crowd.finish()
        return run
    finally:
        if crowd is not None:
            crowd.kill()
        server.kill()
        shutil.rmtree(folder)


def about():
    """Where and when, for the page."""
    done = subprocess.run(("git", "-C", ROOT, "describe", "--always", "--dirty"), capture_output=True, text=True,
                          check=False)
    load = os.getloadavg()[0]
    return (f"{time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}, commit {done.stdout.strip() or 'unknown'}, "
            f"{os.cpu_count()} cores, load average before the run {load:.1f}")
