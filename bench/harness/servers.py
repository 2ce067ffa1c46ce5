"""The measured servers, one line each. To add one, add it to SERVERS and give it a color."""

import dataclasses
import os
import shutil
import subprocess

PEERS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "peers")
BUN = os.path.join(PEERS, "node_modules", ".bin", "bun")
BLUE = "#2f6fde"  # Stoa with any settings
CERTIFICATE, KEY = "{build}/bench/tls.crt", "{build}/bench/tls.key"

# The command line of a server by kind of work: its mode and options.
KINDS = {
    "fanout": ("fanout", ()),
    "fanout-deflate": ("fanout", ("--deflate",)),
    "fanout-tls": ("fanout", ("--tls", CERTIFICATE, KEY)),
    "echo": ("echo", ()),
    "echo-tls": ("echo", ("--tls", CERTIFICATE, KEY)),
}


def over_tls(kind):
    """Must clients connect to wss://?"""
    return kind.endswith("-tls")


@dataclasses.dataclass(frozen=True)
class Server:
    """A program that broadcasts, or echoes, or both.

    `commands` has the command line by kind of work; "{port}" and "{build}", the build folder, are replaced. `needs` are
    files that must exist, and `version` is a command whose first line of output names the measured version.
    `check` is added to a command line to ask the program whether it knows every argument.
    """

    name: str
    title: str
    color: str
    commands: dict
    needs: tuple = ()
    version: tuple = ()
    check: str = None
    processors: tuple = (0,)


def _floor(name, color, **mode_of):
    program = "{build}/bench/floor"
    commands = {kind: (program, "--mode", mode, "--port", "{port}") for kind, mode in mode_of.items()}
    return Server(name, "floor: " + name, color, commands)


def _stoa_command(kind, settings):
    mode, _ = KINDS[kind]
    scheme = "wss://" if over_tls(kind) else ""
    all_settings = [f'server.addresses=["{scheme}127.0.0.1:{{port}}"]', "server.admin.address=off", "log.level=warn"]
    if over_tls(kind):
        all_settings += [f"server.tls.certificate={CERTIFICATE}", f"server.tls.key={KEY}"]
    if kind.endswith("-deflate"):
        all_settings.append("server.compression=true")
    program = "{build}/examples/" + {"fanout": "broadcast/broadcast", "echo": "echo/echo"}[mode]
    return (program, *(word for each in (*all_settings, *settings) for word in ("--set", each)))


def _stoa(name, title, color, *settings, workers=1, processors=(0,)):
    """Stoa with some settings. One worker, like all others, unless set otherwise."""
    settings = (f"server.workers={workers}", *settings)
    return Server(
        name,
        title,
        color,
        {kind: _stoa_command(kind, settings) for kind in KINDS},
        version=("{build}/tools/stoa/stoa", "--version") if name == "stoa" else (),
        check="--check-config",
        processors=processors,
    )


def _peer(name, title, color, program, *, needs=(), version=()):
    """A program in bench/peers. All of them have the same arguments."""
    commands = {kind: (*program, mode, "{port}", *options) for kind, (mode, options) in KINDS.items()}
    return Server(name, title, color, commands, needs, version)


def _node(name, title, color, package):
    """A script for Node; it measures the package."""
    says = f"'{package}', require('./node_modules/{package}/package.json').version, 'on Node', process.version"
    return _peer(
        name,
        title,
        color,
        ("node", os.path.join(PEERS, name + ".mjs")),
        needs=(os.path.join(PEERS, "node_modules", package),),
        version=("node", "-e", f"console.log({says})"),
    )


def _built(name, title, color, package):
    """A program that bench/peers/build compiles with libraries of Debian."""
    program = "{build}/bench/peers/" + name
    return _peer(name, title, color, (program,), version=("dpkg-query", "-W", "-f", "${Version}", package))


SERVERS = (
    _stoa("stoa", "Stoa", BLUE),
    _floor("each", "#a3abb5", fanout="each"),
    _floor("batch", "#7b8590", fanout="batch", echo="echo"),
    _floor("uring", "#59626c", fanout="uring"),
    _node("uws", "uWebSockets.js", "#c8455c", "uws-pack"),
    _peer("bun", "Bun", "#d9822b", (BUN, os.path.join(PEERS, "bun.mjs")), version=(BUN, "--version")),
    _node("ws", "Node ws", "#4c9a4c", "ws"),
    _built("gorilla", "gorilla", "#1f9aa8", "golang-github-gorilla-websocket-dev"),
    _built("lws", "libwebsockets", "#9467bd", "libwebsockets-dev"),
    _stoa("linger-0", "0 ms", BLUE, "server.linger_ms=0"),
    _stoa("linger-1", "1 ms", BLUE, "server.linger_ms=1"),
    _stoa("linger-2", "2 ms", BLUE, "server.linger_ms=2"),
    _stoa("linger-5", "5 ms", BLUE, "server.linger_ms=5"),
    _stoa("send-plain", "send()", BLUE, "server.io_uring=off"),
    _stoa("send-uring", "io_uring", BLUE, "server.io_uring=on"),
    _stoa("workers-1", "1 worker", BLUE),
    _stoa("workers-2", "2 workers, 1 core", BLUE, workers=2),
    _stoa("workers-2-both", "2 workers, 2 cores", BLUE, workers=2, processors=(0, 1)),
)


def fill(words, build, port=0):
    """Put folder and port into a command line."""
    return [word.replace("{build}", build).replace("{port}", str(port)) for word in words]


def missing(server, kind, build):
    """Why the server cannot be measured at this kind of work, or None."""
    command = fill(server.commands[kind], build)
    for path in (*fill(server.needs, build), command[0]):
        if not os.path.exists(path) and shutil.which(path) is None:
            return f"{path} is not there"
    if over_tls(kind) and not os.path.exists(fill((CERTIFICATE,), build)[0]):
        return "there is no certificate, for openssl is not installed"
    if server.name == "bun":
        return _prepare_bun()
    return _refused([*command, server.check]) if server.check else None


def _refused(command):
    """A program's error about its command line, or None. An older Stoa does not know every setting."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["it does not start"])[-1]


def _prepare_bun():
    """The npm package downloads its program in an install script, which npm may be configured not to run."""
    if subprocess.run((BUN, "--version"), capture_output=True, check=False).returncode == 0:
        return None
    script = os.path.join(PEERS, "node_modules", "bun", "install.js")
    done = subprocess.run(("node", script), cwd=os.path.dirname(script), capture_output=True, check=False)
    return None if done.returncode == 0 else "Bun's program could not be installed"


def prepare_certificate(build):
    """A certificate for this machine, made once. Without openssl nothing is measured over TLS."""
    certificate, key = fill((CERTIFICATE, KEY), build)
    if os.path.exists(certificate) or shutil.which("openssl") is None:
        return
    os.makedirs(os.path.dirname(certificate), exist_ok=True)
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650")
    name = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    files = ("-keyout", key, "-out", certificate)
    subprocess.run(("openssl", "req", "-x509", *curve, *name, *files), capture_output=True, check=True)


def version(server, build):
    """One line that names the measured version; empty when there is none."""
    if not server.version:
        return ""
    done = subprocess.run(fill(server.version, build), capture_output=True, text=True, check=False, cwd=PEERS)
    return done.stdout.splitlines()[0] if done.returncode == 0 and done.stdout else ""
