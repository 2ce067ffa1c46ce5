"""server.run_as in a real process that was started as root."""

import grp
import os
import pwd
import stat
import subprocess
import tempfile

from admin_api import SETTINGS, Api
from server_process import DEADLINE_S, Server
from tap import Skip, run, test

CHATROOM = os.environ["CHATROOM"]
# The leak checker traces its own process, which the kernel forbids once root was given up.
NO_LEAK_CHECK = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        return dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)


def threads_of(pid):
    return [status_of(int(name)) for name in os.listdir(f"/proc/{pid}/task")]


@test("every thread runs as the user and its groups, without a way back")
def dropped():
    if os.geteuid() != 0:
        raise Skip("it needs root")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = folder + "/chat.sock"
        settings = {"server.addresses": ["127.0.0.1:0", f"unix:{path}"], "server.run_as": "nobody:www-data",
                    "server.workers": 2}
        server = Server(CHATROOM, settings, variables=NO_LEAK_CHECK)
        try:
            server.wait_for_log("root was given up", "user=nobody")
            server.wait_for_log('event="open"')
            user, group = pwd.getpwnam("nobody").pw_uid, grp.getgrnam("www-data").gr_gid
            for thread in threads_of(server.pid):
                assert thread["Uid"].split() == [str(user)] * 4, thread["Uid"]
                assert thread["Gid"].split() == [str(group)] * 4, thread["Gid"]
                assert "0" not in thread["Groups"].split(), thread["Groups"]
                assert int(thread["CapEff"], 16) == 0 and int(thread["CapPrm"], 16) == 0, thread
            assert status_of(server.pid)["NoNewPrivs"] == "1"
            file = os.stat(path)
            assert (file.st_uid, file.st_gid, stat.S_IMODE(file.st_mode)) == (user, group, 0o660), file
            server.stop()
        finally:
            server.kill()


@test("the files of the chat are the user's, who makes backups beside them")
def files():
    if os.geteuid() != 0:
        raise Skip("it needs root")
    user = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        data = folder + "/data"
        settings = {**SETTINGS, "server.run_as": "nobody", "data_dir": data}
        for start in (1, 2):
            server = Server(CHATROOM, settings, variables=NO_LEAK_CHECK)
            try:
                api = Api(server)
                api.post("/v1/rooms/lobby/messages", message="x", userId="bot", sender="Bot")
                api.post("/v1/backup", name=f"{start}.db")
                assert len(api.get("/v1/rooms/lobby/messages")["items"]) == start
                found = {name: os.lstat(os.path.join(data, name)).st_uid for name in os.listdir(data)}
                assert {"chatroom.db", "chatroom.db-wal", "guest.key", "backups"} <= set(found), found
                assert set(found.values()) == {user.pw_uid}, found
                assert os.stat(data).st_uid == user.pw_uid and stat.S_IMODE(os.stat(data).st_mode) == 0o700
                server.stop()
            finally:
                server.kill()


@test("a start as root fails when the user cannot open the files, not only the second one")
def not_theirs():
    if os.geteuid() != 0:
        raise Skip("it needs root")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        os.mkdir(folder + "/data", 0o700)
        command = [CHATROOM, "--set", "server.addresses=['127.0.0.1:0']", "--set", "server.run_as=nobody", "--set",
                   f"data_dir={folder}/data"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False,
                               env={**os.environ, **NO_LEAK_CHECK})
        assert ended.returncode == 1 and "check the folder, its owner and the free space" in ended.stderr, ended
        assert os.listdir(folder + "/data") == [], os.listdir(folder + "/data")


run()
