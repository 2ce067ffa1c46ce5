"""The program as a service: what it tells the service manager, and whether systemd understands its unit files."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

from server_process import DEADLINE_S, Server
from tap import Skip, run, test

CHATROOM = os.environ["CHATROOM"]
UNITS = pathlib.Path(__file__).parents[2] / "packaging" / "systemd"


@test("a service manager hears READY, then the watchdog, RELOADING, READY and STOPPING")
def notified():
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(DEADLINE_S)
        manager.bind(folder + "/notify")

        def hear(start):
            message = manager.recv(512).decode()
            while message == "WATCHDOG=1" and start != message:
                message = manager.recv(512).decode()
            assert message.startswith(start), message

        server = Server(CHATROOM, variables={"NOTIFY_SOCKET": folder + "/notify", "WATCHDOG_USEC": "100000"})
        try:
            hear("READY=1\nSTATUS=serving 127.0.0.1:")
            hear("WATCHDOG=1")
            hear("WATCHDOG=1")
            server.signal(signal.SIGHUP)
            hear("RELOADING=1\nMONOTONIC_USEC=")
            hear("READY=1")
            server.signal(signal.SIGTERM)
            hear("STOPPING=1")
            server.check_end()
        finally:
            server.kill()


@test("systemd-analyze finds no mistake in the unit files")
def verified():
    if shutil.which("systemd-analyze") is None:
        raise Skip("systemd-analyze is not installed")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("stoa-chatroom.service", "stoa-chatroom.socket"):
            text = (UNITS / name).read_text(encoding="utf-8").replace("/usr/local/bin/chatroom", CHATROOM)
            pathlib.Path(folder, name).write_text(text, encoding="utf-8")
        paths = sorted(str(path) for path in pathlib.Path(folder).iterdir())
        found = subprocess.run(["systemd-analyze", "verify", "--man=no", *paths], capture_output=True, text=True,
                               timeout=DEADLINE_S, check=False)
        complaints = [line for line in found.stderr.splitlines() if "stoa-chatroom" in line]
        assert not complaints and found.returncode == 0, found.stderr


run()
