"""Servers that store messages and tell subscribers: started, ready, stopped. One line each in CONTESTANTS."""

import dataclasses
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request

from durable import field

FOLDER = os.path.dirname(os.path.abspath(__file__))
MODULES = os.path.join(FOLDER, "node_modules")
NCHAN = "/usr/lib/nginx/modules/ngx_nchan_module.so"
POSTGRES = "/usr/lib/postgresql/15/bin"
START_S = 60


class Processes:
    """What one contestant runs; `pids` are those whose processor time counts."""

    def __init__(self):
        self.all, self.pids = [], []

    def start(self, command, **options):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, **options)
        self.all.append(process)
        self.pids.append(process.pid)
        return process

    def add_children(self):
        """Processes that a server has made for its work."""
        parents = {str(pid) for pid in self.pids}
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stat:
                    parent = stat.read().rpartition(")")[2].split()[1]
            except OSError:  # it has ended
                continue
            if parent in parents and int(name) not in self.pids:
                self.pids.append(int(name))

    def stop(self):
        for process in reversed(self.all):
            process.terminate()
        for process in reversed(self.all):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(port):
    end_s = time.monotonic() + START_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 5)
        except OSError:
            if time.monotonic() > end_s:
                raise
            time.sleep(0.05)


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def start_stoa(processes, build, folder, port, setting):
    processes.start([os.path.join(build, "examples/feed/feed"), "--set", f'server.addresses=["127.0.0.1:{port}"]',
                     "--set", f"server.admin.address=127.0.0.1:{port + 1}", "--set", f"data_dir={folder}", "--set",
                     "log.connections=off", "--set", f"rooms.engine.{setting}"])


def stored_by_stoa(port):
    """How many messages it has stored, and in how many commits."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port + 1}/metrics", timeout=10) as answer:
        lines = [line.split() for line in answer.read().decode().splitlines() if not line.startswith("#")]
    counts = {line[0]: float(line[1]) for line in lines if len(line) == 2}
    return counts.get("stoa_storage_messages_total", 0), counts.get("stoa_storage_batch_seconds_count", 0)


def start_nats(processes, _build, folder, port):
    processes.start(["nats-server", "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", folder])
    stream = json.dumps({"name": "ROOMS", "subjects": ["room.>"], "storage": "file"})
    with wait_for(port) as connection:
        connection.settimeout(10)
        connection.sendall(b'CONNECT {"verbose":false}\r\nSUB answer 1\r\n' +
                           f"PUB $JS.API.STREAM.CREATE.ROOMS answer {len(stream)}\r\n{stream}\r\n".encode())
        answer = b""
        while b"MSG answer" not in answer or not answer.endswith(b"}\r\n"):
            answer += connection.recv(65536)
        if b'"error"' in answer:
            raise RuntimeError(f"no stream: {answer.decode()}")


def start_nchan(processes, _build, folder, port, redis_port=None):
    redis = "" if redis_port is None else f"nchan_redis_url redis://127.0.0.1:{redis_port}; nchan_use_redis on;"
    path = os.path.join(folder, "nginx.conf")
    write(path, f"""load_module {NCHAN};
daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log crit; worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; nchan_shared_memory_size 256M; {redis}
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location ~ /pub/(\\w+)$ {{ nchan_publisher; nchan_channel_id $1; nchan_message_buffer_length 64; }}
    location ~ /sub/(\\w+)$ {{ nchan_subscriber websocket; nchan_channel_id $1;
                               nchan_subscriber_first_message newest; }}
  }}
}}
""")
    processes.start(["nginx", "-p", folder, "-e", os.path.join(folder, "error.log"), "-c", path])


def start_nchan_redis(processes, build, folder, port):
    processes.start(["redis-server", "--port", str(port + 1), "--bind", "127.0.0.1", "--dir", folder, "--save", "",
                     "--appendonly", "yes", "--appendfsync", "always"])
    wait_for(port + 1).close()
    start_nchan(processes, build, folder, port, port + 1)


def start_node(processes, _build, _folder, port, *arguments):
    script, *rest = arguments
    processes.start(["node", os.path.join(FOLDER, script), str(port), *rest], cwd=FOLDER)


def start_socketio_sqlite(processes, build, folder, port):
    start_node(processes, build, folder, port, "socketio_sqlite.mjs", os.path.join(folder, "posts.db"))


def start_postgres(processes, build, folder, port):
    data = os.path.join(folder, "data")
    user = {"user": "postgres"} if os.geteuid() == 0 else {}
    if user:
        shutil.chown(folder, "postgres")
    subprocess.run([os.path.join(POSTGRES, "initdb"), "-D", data, "-A", "trust", "-U", "bench", "-N"], check=True,
                   cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **user)
    processes.start([os.path.join(POSTGRES, "postgres"), "-D", data, "-p", str(port + 1), "-k", folder, "-h",
                     "127.0.0.1"], cwd="/", **user)
    wait_for(port + 1).close()
    start_node(processes, build, folder, port, "postgres.mjs", str(port + 1))


@dataclasses.dataclass(frozen=True)
class Contestant:
    """`promise` is what an acknowledgement means, `protocol` a name of contestants.c, `needs` files and programs."""

    name: str
    title: str
    promise: str
    protocol: str = ""
    start: object = None
    arguments: tuple = ()
    needs: tuple = ()


STOA = os.path.join("{build}", "examples/feed/feed")
CONTESTANTS = (
    Contestant("sqlite-full", "SQLite in process, WAL, FULL (the floor)", "synced, all in flight in one commit"),
    Contestant("stoa-full", "Stoa, durability full", "synced", "stoa", start_stoa, ("local.durability=full",), (STOA,)),
    Contestant("nchan-redis", "nchan with Redis, appendfsync always", "synced", "nchan", start_nchan_redis, (),
               (NCHAN, "nginx", "redis-server")),
    Contestant("socketio-sqlite", "Socket.IO with better-sqlite3, FULL", "synced, one flush each", "socketio",
               start_socketio_sqlite, (), ("node", os.path.join(MODULES, "better-sqlite3/build/Release"))),
    Contestant("postgres", "PostgreSQL 15 with a Node server", "synced", "plain", start_postgres, (),
               ("node", os.path.join(MODULES, "pg"), os.path.join(POSTGRES, "postgres"))),
    Contestant("sqlite-normal", "SQLite in process, WAL, NORMAL", "page cache"),
    Contestant("stoa-normal", "Stoa, durability normal", "page cache", "stoa", start_stoa,
               ("local.durability=normal",), (STOA,)),
    Contestant("stoa-memory", "Stoa, nothing stored", "memory", "stoa", start_stoa, ("kind=memory",), (STOA,)),
    Contestant("nats", "NATS JetStream, one server", "page cache, no flush", "nats", start_nats, (), ("nats-server",)),
    Contestant("nchan", "nchan", "memory", "nchan", start_nchan, (), (NCHAN, "nginx")),
    Contestant("socketio", "Socket.IO 4, nothing stored", "memory", "socketio", start_node, ("socketio_sqlite.mjs",),
               ("node", os.path.join(MODULES, "socket.io"))),
)


def missing(contestant, build):
    """What it lacks here, or None."""
    for need in contestant.needs:
        path = need.replace("{build}", build)
        if not os.path.exists(path) and shutil.which(path) is None:
            return path
    return None


def start(contestant, build, folder):
    """Start it, and wait until it listens. Returns its processes and port."""
    processes = Processes()
    port = field.free_port()
    try:
        contestant.start(processes, build, folder, port, *contestant.arguments)
        wait_for(port).close()
        processes.add_children()
    except BaseException:
        processes.stop()
        raise
    return processes, port
