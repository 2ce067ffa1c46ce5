"""`stoa call` and `stoa listen` against examples/bookmarks and examples/broadcast."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess

from certificate import make_certificate
from server_process import Server, sanitizer_environment
from tap import run, test
from tool import FAILED, FINE, NO_CONNECTION, ROOT, STOA, USAGE, fresh, stoa

BOOKMARKS = ("--proto", "bookmarks.proto", "-I", os.path.join(ROOT, "examples/bookmarks"))
CHAT = ("--proto", "chat.proto", "-I", os.path.join(ROOT, "examples/broadcast"))
ADD = '{"bookmark":{"name":"c","url":"https://c.example"}}'


@contextlib.contextmanager
def serving(program, settings=None):
    server = Server(os.environ[program], settings)
    try:
        yield server, f"ws://127.0.0.1:{server.port}/"
        server.stop()
    finally:
        server.kill()


@test("a call by a name of the .proto file, in every form, prints the reply")
def by_name():
    with serving("BOOKMARKS") as (_, url):
        stoa("call", url, "Add", ADD, *BOOKMARKS).expect(FINE, '"url":"https://c.example"')
        for name in ("Get", "BookmarkService.Get", "bookmarks.v1.BookmarkService.Get",
                     "bookmarks.v1.BookmarkService/Get", "/bookmarks.v1.BookmarkService/Get"):
            reply = json.loads(stoa("call", url, name, '{"name":"c"}', *BOOKMARKS).expect(FINE).out)
            assert reply == {"name": "c", "url": "https://c.example", "tags": []}, reply


@test("a call by number needs no .proto file; without JSON the request is empty, and - is the standard input")
def by_number():
    with serving("BOOKMARKS") as (_, url):
        assert stoa("call", url, "3").expect(FINE).out == '{"bookmarks":[]}\n'
        stoa("call", url, "1", "-", given=ADD).expect(FINE, '"name":"c"')
        stoa("call", url.replace("ws:", "http:"), "3").expect(FINE, '"name":"c"')
        stoa("call", url[len("ws://"):], "3").expect(FINE, '"name":"c"')
        stoa("call", "--message", url, "3").expect(FAILED, err="error 107 BAD_REQUEST")


@test("an error of the server exits with 1 and names code and reason")
def errors():
    with serving("BOOKMARKS") as (_, url):
        stoa("call", url, "Get", '{"name":"none"}', *BOOKMARKS).expect(FAILED, err='error 404 NO_BOOKMARK: there is no')
        stoa("call", url, "Add", '{"bookmark":{"name":""}}', *BOOKMARKS).expect(FAILED, err="bookmark.name: at least 1")
        stoa("call", url, "Add", "{", *BOOKMARKS).expect(FAILED, err="error 107")
        stoa("call", url, "900").expect(FAILED, err="error 104 UNKNOWN_TYPE")


@test("bad usage exits with 2 before anything is sent")
def usage():
    with serving("BOOKMARKS") as (_, url):
        stoa("call", url).expect(USAGE, err="expected URL METHOD [JSON]")
        stoa("call", url, "3", "{}", "{}").expect(USAGE, err="expected URL METHOD [JSON]")
        stoa("call", url, "Grab", *BOOKMARKS).expect(USAGE, err="bookmarks.v1.BookmarkService.Get")
        stoa("call", url, "Get").expect(USAGE, err="give --proto FILE")
        stoa("call", url, "1073741824").expect(USAGE, err="0 to 1073741823")
        stoa("call", url, "3x").expect(USAGE, err="a type number")
        stoa("call", url, "Get", "--proto", "none.proto").expect(USAGE, err="none.proto")
        stoa("call", url, "Get", "-I", "/").expect(USAGE, err="-I is for --proto")
        stoa("call", url, "3", "--timeout", "soon").expect(USAGE, err='"soon" is not a time')
        stoa("call", url, "3", "--header", "none").expect(USAGE, err="NAME: VALUE")
        stoa("call", url, "3", "--token-file", "/none").expect(USAGE, err="/none: No such file")
        stoa("call", url, "3", "--fast").expect(USAGE, err="--fast")
        stoa("listen", url, "--count", "0").expect(USAGE, err="a number of messages")
        stoa("listen").expect(USAGE, err="expected URL [METHOD [JSON]]")
    for bad in ("ftp://host/", "ws://", "ws://host:99999/", "ws://a b/", "wss://h/" + "a" * 3000):
        stoa("call", bad, "3").expect(USAGE)
    stoa("call", "wss://127.0.0.1:1/", "3", "--ca", "/none").expect(USAGE)


def number_of(name):
    """As docs/generator.md has it."""
    number = 2166136261
    for byte in name.encode():
        number = (number ^ byte) * 16777619 % 2**32
    return 0x20000000 + ((number ^ number >> 29) & 0x1FFFFFFF)


@test("names have the numbers of numbers=hash where a file has rpcs without one")
def hashed():
    with fresh() as folder:
        with open(os.path.join(folder, "shop.proto"), "w", encoding="utf-8") as file:
            file.write('syntax = "proto3"; package shop.v1; import "stoa/options.proto";'
                       "service Shop { rpc Buy(BuyRequest) returns (BuyReply);"
                       " rpc Given(BuyRequest) returns (BuyReply) { option (stoa.type) = 7; } }"
                       "message BuyRequest {} message BuyReply {} message Item {}"
                       "message Sold { Item item = 1; Sold next = 2; message Inner { Sold sold = 1; } }"
                       "message Other { option (stoa.message_type) = 8; }")
        listed = stoa("call", "ws://127.0.0.1:1/", "Nothing", "--proto", "shop.proto", "-I", folder).expect(USAGE).err
    found = {(line.split()[0], line.split()[2]): int(line.split()[1]) for line in listed.splitlines()
             if line.startswith("  ")}
    assert found == {("call", "shop.v1.Shop.Buy"): number_of("/shop.v1.Shop/Buy"), ("call", "shop.v1.Shop.Given"): 7,
                     ("message", "shop.v1.Sold"): number_of("shop.v1.Sold"), ("message", "shop.v1.Other"): 8}, listed


@test("with --trace the upgrade begins a trace, whose id is printed")
def trace():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"ws://127.0.0.1:{listener.getsockname()[1]}/"
        with subprocess.Popen([STOA, "call", url, "3", "--trace"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True) as process:
            peer, _ = listener.accept()
            with peer:
                head = peer.recv(65536).decode()
            told = re.search(r"^stoa call: trace ([0-9a-f]{32})$", process.communicate(timeout=60)[1], re.MULTILINE)
        assert told, "no trace is printed"
        assert re.search(rf"^traceparent: 00-{told[1]}-[0-9a-f]{{16}}-01\r$", head, re.MULTILINE), head


@test("no connection, and no answer in time, exit with 3")
def no_connection():
    keeper = socket.socket()
    keeper.bind(("127.0.0.1", 0))
    url = f"ws://127.0.0.1:{keeper.getsockname()[1]}/"
    stoa("call", url, "3").expect(NO_CONNECTION, err="Connection refused")
    stoa("listen", url).expect(NO_CONNECTION, err="stoa doctor " + url)
    keeper.listen()
    stoa("call", url, "3", "--timeout", "100ms").expect(NO_CONNECTION, err="no answer")
    with serving("BOOKMARKS", {"server.path": "/live"}) as (_, wrong):
        stoa("call", wrong, "3").expect(NO_CONNECTION, err="refused with HTTP")


@test("fields and tokens reach the upgrade, and a token is not on the command line")
def fields():
    with socket.create_server(("127.0.0.1", 0)) as listener, fresh() as folder:
        path = os.path.join(folder, "token")
        with open(path, "w", encoding="ascii") as file:
            file.write("a.b.c\n")
        url = f"ws://127.0.0.1:{listener.getsockname()[1]}/x?y"
        for arguments, variables, expected in (
                (("--header", "X-One: 1", "--header", "X-Two:2"), None, ("X-One: 1", "X-Two: 2")),
                (("--token-file", path), None, ("Authorization: Bearer a.b.c",)),
                ((), {"STOA_TOKEN": "d.e.f"}, ("Authorization: Bearer d.e.f",))):
            with subprocess.Popen([STOA, "call", url, "3", *arguments], stdin=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, env={**os.environ, **(variables or {})}) as process:
                peer, _ = listener.accept()
                with peer:
                    head = peer.recv(65536).decode()
                assert process.wait(60) == NO_CONNECTION
                assert head.startswith("GET /x?y ") and all(line in head for line in expected), head


@test("a call over TLS checks the certificate")
def tls():
    with fresh() as folder:
        certificate, key = make_certificate(folder)
        settings = {"server.addresses": ["wss://127.0.0.1:0"], "server.tls.certificate": certificate,
                    "server.tls.key": key}
        with serving("BOOKMARKS", settings) as (_, url):
            url = url.replace("ws:", "wss:")
            stoa("call", url, "3", "--ca", certificate).expect(FINE, '{"bookmarks":[]}')
            stoa("call", url, "3", "--insecure").expect(FINE, '{"bookmarks":[]}')
            stoa("call", url, "3").expect(NO_CONNECTION, err="certificate")


@contextlib.contextmanager
def listening(*arguments):
    """The process of `stoa listen`."""
    environment = sanitizer_environment()
    with subprocess.Popen([STOA, "listen", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


@test("listen prints what is sent, with its name, until its count; a message of call reaches it")
def listen_to_all():
    with serving("BROADCAST") as (_, url), listening(url, "--count", "2", *CHAT) as listener:
        assert "connected" in listener.stderr.readline()
        for number in (1, 2):
            done = stoa("call", url, "Chat", f'{{"message":"{number}"}}', *CHAT).expect(FINE)
            assert done.out == ""
        out, err = listener.communicate(timeout=60)
        lines = [json.loads(line) for line in out.splitlines()]
        assert listener.returncode == FINE and len(lines) == 2, (out, err)
        assert lines[1]["type"] == 0 and lines[1]["name"] == "chat.v1.ChatMessage", lines
        assert lines[1]["message"]["message"] == "2", lines


@test("listen ends after its time, on a signal, and when its call fails")
def listen_ends():
    with serving("BOOKMARKS") as (_, url):
        out = stoa("listen", url, "List", "--for", "100ms", *BOOKMARKS).expect(FINE).out
        assert json.loads(out) == {"type": 3, "name": "bookmarks.v1.BookmarkService.List",
                                   "reply": {"bookmarks": []}}, out
        stoa("listen", url, "Get", '{"name":"c"}', *BOOKMARKS).expect(FAILED, err="error 404")
        with listening(url, "3") as listener:
            assert json.loads(listener.stdout.readline())["reply"] == {"bookmarks": []}
            listener.send_signal(signal.SIGINT)
            assert listener.wait(60) == FINE


@test("listen connects again after a lost connection, and calls again; with --once it ends")
def listen_again():
    first = Server(os.environ["BOOKMARKS"])
    url = f"ws://127.0.0.1:{first.port}/"
    try:
        with listening(url, "3") as listener, listening(url, "3", "--once") as once:
            line = listener.stdout.readline()
            assert once.stdout.readline() == line
            first.kill()
            assert once.wait(60) == NO_CONNECTION
            again = Server(os.environ["BOOKMARKS"], {"server.addresses": [f"127.0.0.1:{first.port}"]})
            try:
                assert listener.stdout.readline() == line
                listener.terminate()
                assert listener.wait(60) == FINE
                again.stop()
            finally:
                again.kill()
    finally:
        first.kill()


run()
