"""What operators read at the admin listener of the chat room in use."""

import contextlib
import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request

from server_process import Server, wait_until
from tap import Skip, run, test
from ws_raw import Peer

KEY = "a key of operators that nobody guesses".replace(" ", "-")


@contextlib.contextmanager
def serving(settings=None, variables=None):
    server = Server(os.environ["CHATROOM"], {"server.admin.address": "127.0.0.1:0", **(settings or {})},
                    variables=variables)
    try:
        yield server
        server.stop()
    finally:
        server.kill()


def read(server, path, fields=None):
    """The status and the text of a page."""
    request = urllib.request.Request(f"http://127.0.0.1:{server.ports[-1]}{path}", headers=fields or {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@test("promtool finds nothing to complain about in its metrics, in both formats")
def metrics_are_good():
    if shutil.which("promtool") is None:
        raise Skip("promtool is not installed (package prometheus)")
    with serving() as server, Peer(server.port) as peer:
        peer.upgrade("stoa.json")
        status, text = read(server, "/metrics")
        assert status == 200
        assert "\nstoa_sessions 1\n" in text
        result = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)
        assert result.returncode == 0 and result.stdout == "", result.stdout
        status, text = read(server, "/metrics", {"Accept": "application/openmetrics-text;version=1.0.0"})
        assert status == 200 and text.endswith("# EOF\n"), text[-100:]


@test("its configuration is that of --print-config, without secrets")
def configuration_is_shown():
    settings = {"server.limits.sessions_max": 77, "server.admin.key": KEY}
    with serving(settings, {"STOA_SERVER_DRAIN_MS": "1234"}) as server:
        assert read(server, "/debug/config")[0] == 401
        status, text = read(server, "/debug/config", {"Authorization": f"Bearer {KEY}"})
        assert status == 200
        lines = [line.strip() for line in text.splitlines()]
        assert any(line.startswith("sessions_max: 77  # ") for line in lines), text
        assert any(line.startswith("drain_ms: 1234  # ") and "STOA_SERVER_DRAIN_MS" in line for line in lines), text
        assert any(line.startswith("ping_interval_ms: ") and line.endswith("# default") for line in lines), text
        assert "***" in text and KEY not in text


@test("sessions and turns of all workers are shown as JSON")
def sessions_are_shown():
    with serving({"server.workers": 2}) as server:
        with Peer(server.port) as peer:
            peer.upgrade("stoa.json")
            page = json.loads(read(server, "/debug/sessions")[1])
            assert [session["codec"] for session in page["sessions"]] == ["json"] and page["next"] == ""
        wait_until(lambda: not json.loads(read(server, "/debug/sessions")[1])["sessions"], "the end of the session")
        loop = json.loads(read(server, "/debug/loop")[1])
        assert [worker["worker"] for worker in loop["workers"]] == [0, 1]
        assert all(worker["turns"] > 0 for worker in loop["workers"])
        assert {"/metrics", "/debug/config", "/readyz"} <= set(read(server, "/")[1].split())


run()
