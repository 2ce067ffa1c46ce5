"""`stoa chat`: two people in terminals of tmux, looked at through what their screens show, and lines through pipes."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile

from chat_raw import greet
from server_process import Server, wait_until
from tap import Skip, run, test
from ws_raw import TEXT, Peer, frame

STOA = os.environ["STOA"]
ESC = "\x1b"


@contextlib.contextmanager
def serving():
    with tempfile.TemporaryDirectory() as folder:
        server = Server(os.environ["CHATROOM"], {"data_dir": folder})
        try:
            yield server
            server.stop()
        finally:
            server.kill()


class Terminal:
    """One terminal with `stoa chat` in it. tmux draws what the program writes, as a terminal does."""

    def __init__(self, server, nick, width=80, height=24, options=()):
        self.folder = tempfile.TemporaryDirectory()
        self.socket = os.path.join(self.folder.name, "tmux")
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}
        command = [STOA, "chat", f"http://127.0.0.1:{server.port}", "--nick", nick, *options]
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height), *command,
                   environment=environment)
        self._tmux("set-option", "-g", "remain-on-exit", "on")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], stderr=subprocess.DEVNULL)
        self.folder.cleanup()

    def _tmux(self, *arguments, environment=None):
        result = subprocess.run(["tmux", "-u", "-S", self.socket, *arguments], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, env=environment)
        assert result.returncode == 0, (arguments, result.stderr)
        return result.stdout

    def screen(self):
        return self._tmux("capture-pane", "-p").split("\n")

    def types(self, text):
        self._tmux("send-keys", "-l", text)

    def presses(self, *keys):
        self._tmux("send-keys", *keys)

    def pastes(self, text):
        subprocess.run(["tmux", "-S", self.socket, "load-buffer", "-"], input=text, text=True, check=True)
        self._tmux("paste-buffer", "-p")

    def says(self, text):
        self.types(text)
        self.presses("Enter")

    def resizes(self, width, height):
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def shows(self, *parts):
        """Until one row holds all the parts; that row."""
        found = []

        def look():
            found[:] = [row for row in self.screen() if all(part in row for part in parts)]
            return found

        try:
            wait_until(look, f"a row with {parts!r}")
        except AssertionError:
            raise AssertionError(f"no row with {parts!r} in:\n" + "\n".join(self.screen()))
        return found[-1]

    def hides(self, text):
        wait_until(lambda: not any(text in row for row in self.screen()), f"{text!r} to vanish")

    def is_online(self):
        self.shows("online")
        return self


def need_tmux():
    if shutil.which("tmux") is None:
        raise Skip("tmux is not installed")


@test("two people see what the other says, who is there, and what was said before")
def two_people():
    need_tmux()
    with serving() as server, Terminal(server, "Ada") as ada:
        ada.is_online().says("Good morning")
        ada.shows("Ada", "Good morning")
        with Terminal(server, "Zeno", width=120) as zeno:
            zeno.is_online().shows("Ada", "Good morning")
            zeno.says("Good morning, Ada")
            ada.shows("Zeno", "Good morning, Ada")
            zeno.shows("2 here")
            zeno.shows(":", "Zeno | Good morning, Ada")
            ada.types("wait")
            zeno.shows("Ada is typing")
            ada.presses("C-u")


@test("wide characters, long texts and pasted lines are where they belong")
def wide_and_long():
    need_tmux()
    with serving() as server, Terminal(server, "Ada") as ada:
        ada.is_online().says("你好，世界 " * 12)
        rows = [row for row in ada.screen() if "你好" in row]
        ada.shows("Ada", "你好")
        wait_until(lambda: len([row for row in ada.screen() if "你好" in row and "|" in row]) >= 2, "two rows")
        assert all(sum(2 if ord(c) > 0x2e80 else 1 for c in row.rstrip()) <= 80 for row in rows)
        ada.pastes("first\nsecond\tthird")
        ada.shows("> first|second third")
        ada.presses("Enter")
        ada.shows("| second third")
        assert not any("first second" in row for row in ada.screen())


@test("a message is changed with Up, reacted to, answered and deleted")
def changes():
    need_tmux()
    with serving() as server, Terminal(server, "Ada") as ada, Terminal(server, "Zeno") as zeno:
        zeno.is_online()
        ada.is_online().says("helo")
        zeno.shows("helo")
        ada.presses("Up")
        ada.shows("~ helo")
        ada.presses("BSpace")
        ada.says("lo")
        zeno.shows("hello (edited)")
        zeno.says("/react +1")
        ada.shows("+1 1")
        zeno.says("/reply indeed")
        ada.shows("> Ada: hello")
        ada.says("/edit bye")
        zeno.shows("bye (edited)")
        ada.says("/delete")
        zeno.shows("(deleted)")


@test("what hostile texts and nicks would do to a terminal is shown, not done")
def hostile():
    need_tmux()
    with serving() as server, Terminal(server, "Ada") as ada:
        ada.is_online()
        with Peer(server.port) as peer:
            peer.upgrade("stoa.text")
            greet(peer, "stoa.text")
            peer.enter_room("stoa.text")
            text = f"{ESC}]0;owned\x07{ESC}[2J{ESC}[31mred\u202eback\x9b5m"
            peer.send(frame(TEXT, json.dumps({"type": 0, "payload": {"message": text}}).encode()))
            row = ada.shows("red")
            assert "\\x1b]0;owned\\x07\\x1b[2J\\x1b[31mred" in row, row
        ada.shows("online")  # the screen was not cleared
        title = ada._tmux("display-message", "-p", "#{pane_title}")
        assert "owned" not in title, title
        colours = ada._tmux("capture-pane", "-p", "-e")
        assert f"{ESC}[31mred" not in colours


@test("a terminal that changes its size is drawn anew, also a tiny one")
def resized():
    need_tmux()
    with serving() as server, Terminal(server, "Ada") as ada:
        ada.is_online().says("a text that is wrapped when the terminal is narrow")
        ada.shows("a text that is wrapped when the terminal is narrow")
        ada.resizes(40, 10)
        wait_until(lambda: not any("when the terminal is narrow" in row for row in ada.screen()), "a wrapped text")
        ada.resizes(10, 3)
        ada.resizes(120, 30)
        ada.shows("a text that is wrapped when the terminal is narrow")


@test("older messages come when it scrolls back, and the place stays")
def scrolled():
    need_tmux()
    with serving() as server:
        lines = "".join(f"line {i}\n" for i in range(1, 121))
        pipe(server, lines, "--nick", "Zeno")
        with Terminal(server, "Ada") as ada:
            ada.is_online().shows("line 120")
            for _ in range(12):
                ada.presses("PPage")
            ada.shows("line 1")
            ada.presses("End")
            ada.shows("line 120")


@test("a nick and a command are completed by Tab")
def completed():
    need_tmux()
    with serving() as server, Terminal(server, "Ada") as ada, Terminal(server, "Zenobia"):
        ada.is_online().shows("2 here")
        ada.types("hello Zen")
        ada.presses("Tab")
        ada.shows("> hello Zenobia")
        ada.presses("C-u")
        ada.types("/sea")
        ada.presses("Tab")
        ada.shows("> /search")


@test("after a restart of the server it comes back, with what was written meanwhile sent once")
def restarted():
    need_tmux()
    with tempfile.TemporaryDirectory() as folder:
        first = Server(os.environ["CHATROOM"], {"data_dir": folder})
        address = f"127.0.0.1:{first.port}"
        try:
            with Terminal(first, "Ada") as ada:
                ada.is_online().says("before")
                ada.shows(":", "before")
                first.kill()
                ada.shows("offline")
                ada.says("meanwhile")
                ada.shows("...", "meanwhile")
                second = Server(os.environ["CHATROOM"], {"data_dir": folder, "server.addresses": [address]})
                try:
                    ada.is_online()
                    ada.hides("...")
                    with Terminal(second, "Zeno") as zeno:
                        zeno.is_online().shows("meanwhile")
                        assert len([row for row in zeno.screen() if "meanwhile" in row]) == 1
                    second.stop()
                finally:
                    second.kill()
        finally:
            first.kill()


def pipe(server, text, *options):
    result = subprocess.run([STOA, "chat", f"127.0.0.1:{server.port}", *options], input=text, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                            env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert result.returncode == 0, result
    return result.stdout


@test("without a terminal each line is sent, each message is a line, and it ends when all is stored")
def piped():
    with serving() as server:
        out = pipe(server, "one\ntwo\nlast without a line feed", "--nick", "Ada")
        assert [line.split(" ", 1)[1] for line in out.splitlines()] == ["Ada: one", "Ada: two",
                                                                       "Ada: last without a line feed"], out
        out = pipe(server, "", "--nick", "Zeno", "--history", "2")
        assert [line.split(" ", 1)[1] for line in out.splitlines()] == ["Ada: two",
                                                                       "Ada: last without a line feed"], out


@test("a text that is refused is said, and the exit status tells")
def refused():
    with serving() as server:
        result = subprocess.run([STOA, "chat", f"127.0.0.1:{server.port}"], input="x" * 5000, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        assert result.returncode == 1 and "not sent: " in result.stderr, result


@test("the same guest comes back with its identity file, which only its owner can read")
def identity():
    with serving() as server, tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "me")
        pipe(server, "one\n", "--nick", "Ada", "--identity", path)
        assert os.stat(path).st_mode & 0o777 == 0o600
        out = pipe(server, "/edit two\n", "--identity", path, "--history", "1")
        assert "Ada: one" in out
        assert "two" in pipe(server, "", "--history", "1")


@test("bad usage exits with 2, a server that is not there with 1")
def usage():
    for arguments, status, said in ((["chat"], 2, "give one URL"), (["chat", "--history", "51", "x"], 2, "0 to 50"),
                                    (["chat", "http://127.0.0.1:1"], 1, "no connection")):
        result = subprocess.run([STOA, *arguments], input="", text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, timeout=60)
        assert result.returncode == status and said in result.stderr, result


run()
