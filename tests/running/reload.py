"""The chat room reads its configuration again while a thousand sessions exchange messages (F16, F17)."""

import contextlib
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile

from certificate import make_certificate
from chat_raw import greet
from server_process import DEADLINE_S, Server
from tap import run, test
from ws_raw import BINARY, PING, PONG, Peer, frame

CHATROOM = os.environ["CHATROOM"]
CHAT = b"\0\0\0\0"
SESSIONS = 1000
OVER_TLS = 100
SENDERS = 10
RELOADS = 20
MESSAGES = 6  # in each round, half of them while the reload runs
KEPT = 'event="the configuration was not reloaded; the one before stays in force"'
RELOADED = 'event="configuration reloaded"'


def tls_client():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return lambda plain: context.wrap_socket(plain, server_hostname="localhost")


class Configuration:
    """A folder with chat.yaml, a certificate and its key, and a spare pair."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "chat.yaml")
        self.certificate, self.key = make_certificate(folder)
        self.spare = [self._make(folder, name) for name in ("one", "two")]
        # Nobody answers a ping before the end, when everything is read.
        self.values = {"limits": {"message_bytes_max": 65536}, "ping_interval_ms": 600000}
        self.write()

    def _make(self, folder, name):
        below = os.path.join(folder, name)
        os.mkdir(below)
        return make_certificate(below)

    def write(self, log_level="info", **server):
        """Values in JSON are YAML too."""
        everything = {"addresses": ["wss://127.0.0.1:0", "127.0.0.1:0"], "admin": {"address": "off"},
                      "tls": {"certificate": self.certificate, "key": self.key}, **self.values, **server}
        text = f"server: {json.dumps(everything)}\nlog: {{level: {log_level}}}\n"
        self.replace(text)

    def replace(self, text):
        """As an editor does it."""
        pathlib.Path(self.path + ".new").write_text(text, encoding="utf-8")
        os.rename(self.path + ".new", self.path)

    def renew_certificate(self, number):
        for fresh, old in zip(self.spare[number % 2], (self.certificate, self.key)):
            shutil.copy(fresh, old + ".new")
            os.chmod(old + ".new", 0o600)
            os.rename(old + ".new", old)

    def der(self):
        return ssl.PEM_cert_to_DER_cert(pathlib.Path(self.certificate).read_text(encoding="ascii"))


def start(configuration, *options, workers=2):
    return Server(CHATROOM, {"server.workers": workers}, options=["-c", configuration.path, *options], listening=2)


def say(peer, text):
    peer.send(frame(BINARY, CHAT + json.dumps({"message": text}).encode()))


def hear(peer, count):
    """So many chat messages of this test, and their order."""
    heard = []
    while len(heard) < count:
        opcode, payload = peer.read_message()
        assert opcode == BINARY, f"opcode {opcode}: {payload[:100]!r}"
        if payload[:4] == CHAT:
            text = json.loads(payload[4:])["message"]
            if text.startswith("reload "):
                heard.append(text)
    return heard


def shown(port):
    """The certificate that a new connection sees."""
    peer = Peer(port, wrap=tls_client())
    try:
        return peer.socket.getpeercert(binary_form=True)
    finally:
        peer.close()


@contextlib.contextmanager
def busy_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        yield taken.getsockname()[1]


def make_bad(configuration, number):
    """One mistake of each kind in turn; returns what the log says about it."""
    kind = number % 4
    if kind == 0:
        configuration.replace("server:\n  limits: {message_bytes_max: [\n")
        return f'event="the configuration has a mistake" mistake="{configuration.path}:'
    if kind == 1:
        configuration.replace("server:\n  limitz: {sessions_max: 1}\n")
        return (f'event="the configuration has a mistake" mistake="{configuration.path}:2:3: '
                'unknown key \\"limitz\\" in server; did you mean \\"limits\\"?"')
    if kind == 2:
        missing = configuration.key + ".missing"
        configuration.write(tls={"certificate": configuration.certificate, "key": missing})
        return f'event="cannot read the private key" file={missing}'
    configuration.write(admin={"address": f"127.0.0.1:{configuration.busy}"})
    return ('event="another program listens on an address that is new; end it, or take another port" '
            f"address=127.0.0.1:{configuration.busy} option=server.admin.address")


def reload_with(server, configuration, number, done):
    """Change the files, and ask for the reload; done counts the lines that tell of ends."""
    if number % 5 == 3:
        done["mistake"] = make_bad(configuration, number // 5)
        done["kept"] += 1
    else:
        if number % 2 == 0:
            configuration.renew_certificate(number)
        configuration.write(limits={"message_bytes_max": 65536 + 1024 * number, "address_sessions_max": 2000 + number,
                                    "sessions_max": 5000 + number, "rate": {"messages_per_s": 1000 + number}},
                            allowed_origins=[f"https://page{number}.example"], pong_timeout_ms=10000 + number)
        done["mistake"] = None
        done["reloaded"] += 1
    server.signal(signal.SIGHUP)


def await_reload(server, done):
    server.wait_for_lines(KEPT, done["kept"])
    server.wait_for_lines(RELOADED, done["reloaded"])
    if done["mistake"] is not None:
        server.wait_for_log("level=error", done["mistake"])


def connect_all(server, stack):
    tls_port, port = server.ports
    peers = []
    for i in range(SESSIONS):
        over_tls = i % (SESSIONS // OVER_TLS) == 0
        peer = Peer(tls_port if over_tls else port, wrap=tls_client() if over_tls else None)
        stack.callback(peer.close)
        peer.upgrade("stoa.json")
        greet(peer)
        peer.enter_room("stoa.json")
        peers.append(peer)
    return peers


@test("1000 sessions lose no message and no connection during 20 reloads, four of them with mistakes")
def under_load():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4096), hard), hard))
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        configuration = Configuration(folder)
        configuration.busy = stack.enter_context(busy_port())
        server = start(configuration)
        stack.callback(server.kill)
        peers = connect_all(server, stack)
        done = {"kept": 0, "reloaded": 0, "mistake": None}
        said = 0
        for number in range(RELOADS):
            before = shown(server.ports[0])
            for i in range(MESSAGES):
                if i == MESSAGES // 2:
                    reload_with(server, configuration, number, done)
                say(peers[(said % SENDERS) * (SESSIONS // SENDERS)], f"reload {said}")
                said += 1
            await_reload(server, done)
            expected = before if done["mistake"] is not None else configuration.der()
            assert shown(server.ports[0]) == expected, f"reload {number}: new handshakes see another certificate"
        first = hear(peers[0], said)
        for sender in range(SENDERS):
            own = [text for text in first if int(text.split()[1]) % SENDERS == sender]
            assert own == sorted(own, key=lambda text: int(text.split()[1])), f"the order of sender {sender}"
        assert sorted(first) == sorted(f"reload {i}" for i in range(said)), "a message is lost or doubled"
        for i, peer in enumerate(peers[1:]):
            assert hear(peer, said) == first, f"session {i + 1} hears something else"
        assert 'event="session ended"' not in server.log and "by=server" not in server.log, server.log[-3000:]
        for peer in peers:
            peer.close()
        server.stop()


@test("values of a reload are in force: for sessions, for the log; a mistake leaves all as they are")
def in_force():
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        configuration = Configuration(folder)
        server = start(configuration)
        stack.callback(server.kill)
        peer = Peer(server.ports[1])
        stack.callback(peer.close)
        peer.upgrade("stoa.json")
        configuration.write(log_level="debug", limits={"message_bytes_max": 500}, path="/elsewhere")
        server.signal(signal.SIGHUP)
        line = server.wait_for_log(RELOADED)
        assert "log.level" in line and "server.limits.message_bytes_max" in line, line
        server.wait_for_log('level=warn event="a changed key needs a restart; its old value stays until then" '
                            "key=server.path")
        # A worker takes the settings at the end of a turn: what it reads in the turn after the pong has the new limit.
        peer.send(frame(PING, b""))
        while peer.read_frame()[0] & 0x0F != PONG:
            pass
        peer.send(frame(BINARY, CHAT + b"x" * 600))
        assert peer.read_close() == 1009
        server.wait_for_log("level=debug")
        configuration.replace("server: [\n")
        server.signal(signal.SIGHUP)
        server.wait_for_log(KEPT)
        checked = subprocess.run([CHATROOM, "-c", configuration.path, "--check-config"], capture_output=True,
                                 timeout=DEADLINE_S, check=False)
        assert checked.returncode == 1, checked
        other = Peer(server.ports[1])
        stack.callback(other.close)
        other.upgrade("stoa.json")
        other.send(frame(BINARY, CHAT + b"x" * 600))
        assert other.read_close() == 1009
        server.stop()


@test("a SIGHUP that comes during a reload is not lost: the newest file is in force in the end")
def queued():
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        configuration = Configuration(folder)
        server = start(configuration)
        stack.callback(server.kill)
        for number in range(1, 6):
            configuration.write(limits={"message_bytes_max": 900 * number})
            server.signal(signal.SIGHUP)
        server.wait_for_log(RELOADED)

        def is_newest():
            with Peer(server.ports[1]) as peer:
                peer.upgrade("stoa.json")
                greet(peer)
                peer.enter_room("stoa.json")
                peer.send(frame(BINARY, CHAT + json.dumps({"message": "x" * 3700}).encode()))
                opcode, payload = peer.read_message()
                return opcode == BINARY and payload[:4] == CHAT

        server.wait_for_idle(is_newest)
        server.stop()


@test("with --watch a replaced file, certificate or link is read again without a signal")
def watched():
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        configuration = Configuration(folder)
        server = start(configuration, "--watch")
        stack.callback(server.kill)
        configuration.write(limits={"message_bytes_max": 2000})
        server.wait_for_log(RELOADED, "server.limits.message_bytes_max")
        configuration.replace("server: [\n")
        server.wait_for_log(KEPT)
        configuration.write(limits={"message_bytes_max": 3000})
        server.wait_for_lines("server.limits.message_bytes_max", 2)
        configuration.renew_certificate(0)
        server.wait_for_idle(lambda: shown(server.ports[0]) == configuration.der())
        server.stop()


run()
