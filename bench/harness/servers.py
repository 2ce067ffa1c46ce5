"""What is measured: one line a server. To add one, add it to SERVERS and give it a color."""

import dataclasses
import os
import shutil
import subprocess

PEERS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "peers")
BUN = os.path.join(PEERS, "node_modules", ".bin", "bun")
NODE_WS = os.path.join(PEERS, "node_modules", "ws")


@dataclasses.dataclass(frozen=True)
class Server:
    """A program that broadcasts, or echoes, or both.

    `commands` gives, by kind of work, the command line; "{port}" is put in, "{build}" is the build folder. `needs` are
    files that have to be there, and `version` is a command whose first line of output names what was measured.
    """

    name: str
    title: str
    color: str
    commands: dict
    needs: tuple = ()
    version: tuple = ()
    floor: bool = False


def _floor(mode, kinds):
    command = ("{build}/bench/floor", "--mode", mode, "--port", "{port}")
    return {kind: command for kind in kinds}


def _stoa(folder):
    return (
        "{build}/examples/" + folder,
        "--set",
        'server.addresses=["127.0.0.1:{port}"]',
        "--set",
        "server.workers=1",
        "--set",
        "log.level=warn",
    )


FLOOR = "{build}/bench/floor"

SERVERS = (
    Server(
        "stoa",
        "Stoa",
        "#2f6fde",
        {"fanout": _stoa("broadcast/broadcast"), "echo": _stoa("echo/echo")},
        version=("{build}/tools/stoa/stoa", "--version"),
    ),
    Server("each", "floor: each", "#9aa3ad", _floor("each", ("fanout",)), (FLOOR,), floor=True),
    Server("batch", "floor: batch", "#7b8590", _floor("batch", ("fanout",)), (FLOOR,), floor=True),
    Server("uring", "floor: uring", "#5d6670", _floor("uring", ("fanout",)), (FLOOR,), floor=True),
    Server("echo", "floor: echo", "#7b8590", _floor("echo", ("echo",)), (FLOOR,), floor=True),
    Server(
        "bun",
        "Bun",
        "#d9822b",
        {kind: (BUN, os.path.join(PEERS, "bun.mjs"), kind, "{port}") for kind in ("fanout", "echo")},
        (BUN,),
        (BUN, "--version"),
    ),
    Server(
        "ws",
        "Node ws",
        "#4c9a4c",
        {kind: ("node", os.path.join(PEERS, "ws.mjs"), kind, "{port}") for kind in ("fanout", "echo")},
        (NODE_WS,),
        ("node", "--version"),
    ),
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
    if server.name == "bun":
        return _prepare_bun()
    return None


def _prepare_bun():
    """The npm package fetches its program in an install script, which npm may have been told not to run."""
    if subprocess.run((BUN, "--version"), capture_output=True, check=False).returncode == 0:
        return None
    script = os.path.join(PEERS, "node_modules", "bun", "install.js")
    done = subprocess.run(("node", script), cwd=os.path.dirname(script), capture_output=True, check=False)
    return None if done.returncode == 0 else "Bun's program could not be installed"


def version(server, build):
    """One line that names the measured version; empty when there is none."""
    if not server.version:
        return ""
    done = subprocess.run(fill(server.version, build), capture_output=True, text=True, check=False)
    return done.stdout.splitlines()[0] if done.returncode == 0 and done.stdout else ""
