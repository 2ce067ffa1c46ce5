"""The chat room behind Debian's nginx, haproxy and Caddy: the page, sessions, origins, long messages, silence."""

import os
import socket

import ways
from behind import CLIENT, Behind, chat, page, script
from for_each import for_each
from server_process import wait_until
from tap import run, test
from ws_raw import BINARY, CLOSE, PING, PONG, Ended, frame

MEGABYTE = 1 << 20
FOREIGN = "Origin: https://evil.example"


@for_each(ways.ALL, "the page loads through {}")
def page_loads(way):
    with Behind(way) as behind:
        status, fields, body = behind.get()
        assert (status, body) == (200, page()) and fields["content-type"].startswith("text/html"), (status, fields)
        target, text = script()
        status, _, body = behind.get(target)
        assert (status, body) == (200, text), (status, len(body))
        assert behind.get("/nothing")[0] == 404


@for_each(ways.ALL, "sessions exchange messages through {}")
def sessions(way):
    with Behind(way) as behind:
        first, second = behind.join(), behind.join()
        chat(first, "hello from one")
        assert b"hello from one" in second.read_message()[1]
        chat(second, "x" * 4000)


@for_each(ways.ALL, "the page's own origin is let in through {}, another is not")
def origins(way):
    with Behind(way) as behind:
        assert behind.ask_upgrade(["Origin: " + behind.origin])[1] == 101
        assert behind.ask_upgrade([FOREIGN])[1] == 403


@for_each(ways.IN_FOLDER, "the page and its sessions work through {}")
def in_a_folder(way):
    with Behind(way) as behind:
        assert behind.get("/chat/")[2] == page()
        status, _, body = behind.get("/chat/stoa.json")
        assert status == 200 and b'"./"' in body, body
        assert behind.get("/")[2] != page(), "only the folder is the server's"
        assert behind.ask_upgrade(["Origin: " + behind.origin])[1] == 101
        assert behind.ask_upgrade([FOREIGN])[1] == 403
        line = behind.server.wait_for_log("evil.example")
        assert CLIENT in line, line
        chat(behind.join(), "hello")


@for_each(ways.ALL, "a message of a megabyte passes in both directions through {}")
def long_messages(way):
    settings = {"server.limits.message_bytes_max": 2 * MEGABYTE, "server.limits.send_queue_bytes_max": 4 * MEGABYTE}
    with Behind(way, settings, "ECHO") as behind:
        peer = behind.join()
        content = os.urandom(MEGABYTE)
        peer.send(frame(BINARY, content))
        assert peer.read_message() == (BINARY, content)


@for_each(ways.IMPATIENT, "a session that is silent for longer than the timeout of {} needs pings, and lives by them")
def silence(way):
    with Behind(way, {"server.ping_interval_ms": 250}) as behind:
        peer = behind.join()
        for _ in range(10):  # two and a half seconds
            assert next_control(peer) == PING
        chat(peer, "still here")
    with Behind(way) as behind:
        peer = behind.join()
        try:
            assert next_control(peer) == CLOSE
        except (Ended, ConnectionError):
            pass  # the proxy does not know that there are close frames


def next_control(peer):
    """The kind of the next frame that is no message; a ping is answered."""
    while True:
        first, payload = peer.read_frame()
        if first & 0x0F == PING:
            peer.send(frame(PONG, payload))
        if first & 0x0F in (PING, CLOSE):
            return first & 0x0F


@test("the page loads through nginx without proxy_http_version, which asks in HTTP/1.0")
def nginx_1_0():
    with Behind(ways.NGINX_1_0) as behind:
        status, _, body = behind.get()
        assert (status, body) == (200, page()), status
        target, text = script()
        assert behind.get(target)[2] == text


def checks(behind):
    """What haproxy thinks of the server: the columns of `show stat` by name."""
    with socket.socket(socket.AF_UNIX) as stats:
        stats.settimeout(60)
        stats.connect(os.path.join(behind.folder, "stats.sock"))
        stats.sendall(b"show stat\n")
        said = b""
        while more := stats.recv(65536):
            said += more
    names, *lines = (line.split(",") for line in said.decode().removeprefix("# ").splitlines() if line)
    return next(dict(zip(names, line)) for line in lines if line[:2] == ["back", "stoa"])


def takes_questions(behind):
    with socket.socket(socket.AF_UNIX) as stats:
        return stats.connect_ex(os.path.join(behind.folder, "stats.sock")) == 0


@test("the server is up for haproxy's option httpchk, which asks in HTTP/1.0")
def haproxy_checks():
    with Behind(ways.HAPROXY_CHECKED) as behind:
        # It makes its sockets one after the other, and this one last.
        wait_until(lambda: takes_questions(behind), "haproxy's socket for questions")
        # While the first check is on its way the column starts with a star; before it, it says INI.
        wait_until(lambda: checks(behind)["check_status"].lstrip("* ") not in ("", "INI"), "a check of the server")
        state = checks(behind)
        verdict = (state["check_status"].lstrip("* "), state["check_code"], state["status"])
        assert verdict == ("L7OK", "200", "UP"), state["last_chk"]
        assert behind.get()[0] == 200
        chat(behind.join(CLIENT), "hello")


run()
