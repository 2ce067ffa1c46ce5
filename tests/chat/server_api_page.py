"""Each command of docs/server-api.md does what the page says, in a shell, against a chat."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from admin_api import KEY, SETTINGS
from chat_client import Client, chat
from server_process import DEADLINE_S
from tap import Skip, run, test

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "server-api.md"
FIRST, *BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
COMMANDS = [command for block in BLOCKS for command in re.sub(r"\\\n *", "", block).splitlines()]
assert len(COMMANDS) >= 10 and all(command.startswith("curl ") for command in COMMANDS), COMMANDS


def answers(server, folder):
    """What each command gives: [(command, decoded)]."""
    assert "CHAT=http://127.0.0.1:8800\n" in FIRST
    head = FIRST.replace("127.0.0.1:8800", f"127.0.0.1:{server.ports[-1]}")
    (pathlib.Path(folder) / "admin.key").write_text(KEY + "\n", encoding="utf-8")
    for command in COMMANDS:
        script = f"set -eu\n{head}\n{command} --silent --show-error --fail-with-body\n"
        ended = subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, text=True, timeout=DEADLINE_S,
                               check=False, env={"PATH": os.environ["PATH"], "NO_PROXY": "*"})
        assert ended.returncode == 0, (command, ended)
        yield command, json.loads(ended.stdout)


@test("the commands of the page work one after the other")
def page():
    if shutil.which("curl") is None:
        raise Skip("curl is not installed")
    # Ann is not read while the commands run, so nothing answers the pings.
    settings = {**SETTINGS, "server.pong_timeout_ms": 3600000}
    with tempfile.TemporaryDirectory() as folder, chat(settings) as server:
        ann = Client(server.port, "stoa.json", "Ann")
        ann.call("Join")
        ann.call("Join", room="old-plans")
        ann.call("Chat", room="old-plans", message="obsolete")
        given = dict(answers(server, folder))
        assert len(given) == len(COMMANDS)

        def one(part):
            (found,) = [answer for command, answer in given.items() if part in command]
            return found

        said = []
        while len(said) < 4:
            name, message = ann.push()
            said += [message["message"]] if name == "ChatMessage" else []
        assert said[1:] == ["The build is green.", "Maintenance at 18:00 UTC.", "Maintenance at 18:00 UTC."], said
        assert one("/v1/broadcast")["failed"] == 0
        assert [item["message"] for item in one("messages?limit=20")["items"]] == said[1:3]
        assert [item["message"] for item in one("/search")["items"]] == ["The build is green."]
        assert {room["name"] for room in one("/v1/rooms?limit=50")["rooms"]} == {"lobby", "old-plans"}
        assert one("/v1/connections")["connections"][0]["nick"] == "Ann"
        assert one("/disconnect") == {"sessions": 0}
        assert one("/moderate") == one("PATCH") == one("?user_id=eve") == one("?address=192.0.2.7") == {}
        (muted,) = one("/sanctions")["sanctions"]
        assert (muted["kind"], muted["userId"], muted["reason"]) == ("SANCTION_MUTE", "eve", "spam"), muted
        banned = [(ban["userId"], ban["address"]) for ban in one("/v1/bans?limit")["sanctions"]]
        assert banned == [("eve", ""), ("", "192.0.2.7")], banned
        assert int(one("DELETE -H \"$KEY\" $CHAT/v1/rooms")["messages"]) == 2
        assert one("/v1/backup")["path"].endswith("/backups/monday.db")
        assert ann.peer.read_close() == 4010


run()
