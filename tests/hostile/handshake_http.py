"""Requests and upgrades that are too much, malformed, too slow, or from a page of somebody else (rows 9, 10, 19, 22,
25, 26, 46)."""

import os
import re

from tap import run
from world import CHATROOM, ECHO, hostile
from ws_raw import TEXT, frame, request

HEAD_MAX = 16384
COMPRESSED = {"server.compression": True}
PAGE = {"server.web_root": os.path.join(os.path.dirname(__file__), "..", "..", "web", "chat", "dist")}
ALLOWED = {"server.allowed_origins": ["https://good.example", "http://localhost:8080"]}


def plain(target="/", headers=(), version="HTTP/1.1", method="GET"):
    lines = [f"{method} {target} {version}", "Host: localhost", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def expect_upgrade(world, headers, extension=None, subprotocol=None):
    """The upgrade is granted, without what the headers could not properly ask for."""
    peer = world.connect()
    answer = peer.ask(request(headers=headers))
    world.bystander.chat()
    assert answer.status == 101, f"{answer.status} for {headers!r:.200}"
    assert answer.headers.get("sec-websocket-extensions") == extension, answer.head
    assert answer.headers.get("sec-websocket-protocol") == subprotocol, answer.head
    peer.send(frame(TEXT, b"works"))
    assert peer.read_message() == (TEXT, b"works")
    peer.close()


@hostile("extension and subprotocol names that are special in JavaScript are ordinary names", ECHO, COMPRESSED)
def special_names(world):
    for name in ("constructor", "__proto__", "toString", "hasOwnProperty", "%s%n%p", "a.b.c", "*", "'", "`"):
        expect_upgrade(world, [f"Sec-WebSocket-Extensions: {name}"])
        expect_upgrade(world, [f"Sec-WebSocket-Extensions: {name}; {name}={name}"])
        expect_upgrade(world, [f"Sec-WebSocket-Protocol: {name}"])


@hostile("malformed extension headers are declined as a whole", ECHO, COMPRESSED)
def broken_lists(world):
    for value in (
        ',,;;=;"', ";", "=", '"', "a;", "a;b=", 'a;b="', 'a;b="\\', "permessage-deflate;;", "a b", "(a)",
        "permessage-deflate, ;", "permessage-deflate; a=\"b c\"", "@",
    ):
        expect_upgrade(world, [f"Sec-WebSocket-Extensions: {value}"])
    for value in ("", " ", ",", " , ,\t, "):
        expect_upgrade(world, [f"Sec-WebSocket-Extensions: {value}"])
        expect_upgrade(world, [f"Sec-WebSocket-Protocol: {value}"])


@hostile("long lists and long blanks are read in one pass", ECHO, COMPRESSED)
def long_lists(world):
    long = [
        "Sec-WebSocket-Extensions: " + ",".join(["a"] * 5500), "Sec-WebSocket-Extensions: " + ";".join(["a"] * 5500),
        "Sec-WebSocket-Extensions: " + "permessage-deflate; unknown, " * 380,
        "Sec-WebSocket-Extensions: a" + " " * 15000 + "x", 'Sec-WebSocket-Extensions: a;b="' + "c" * 15000,
        'Sec-WebSocket-Extensions: a;b="' + "\\c" * 7500 + '"', "Sec-WebSocket-Protocol: " + ",".join(["a"] * 5500),
        "Sec-WebSocket-Protocol: b" + " " * 15000 + "x", "Upgrade: " + "a," * 7000, "Connection: " + "a ," * 5000,
    ]
    ticks = world.server.cpu_ticks()
    for header in long:
        assert len(header) < HEAD_MAX - 500
        for _ in range(20):
            expect_upgrade(world, [header])
    # 200 requests of 15 kB: in one pass, milliseconds each even under sanitizers; squared, a second each.
    assert world.server.cpu_ticks() < ticks + 1000


@hostile("blanks beyond the head's limit are refused with 431", ECHO, COMPRESSED)
def too_long_blanks(world):
    world.expect_refusal(request(headers=["Sec-WebSocket-Protocol: b" + " " * 32768 + "x"]), 431)
    world.expect_refusal(request(headers=["X:" + " " * 32768]), 431)


@hostile("ten thousand headers, or headers of 64 KiB, are refused with 431", ECHO)
def too_much(world):
    world.expect_refusal(request(headers=[f"X-{i}: {i}" for i in range(10000)]), 431)
    world.expect_refusal(request(headers=["a:"] * 101), 431)
    world.expect_refusal(request(headers=["X: " + "y" * 65536]), 431)
    world.expect_refusal(request(headers=["y" * 65536 + ": X"]), 431)
    world.expect_refusal(b"GET / HTTP/1.1\r\n" + b"A" * HEAD_MAX, 431)


@hostile("a target of 64 KiB is refused with 414", ECHO)
def long_target(world):
    world.expect_refusal(request("/" + "a" * 65536), 414)
    world.expect_refusal(request("/?" + "a" * 65536), 414)
    world.expect_refusal(request("/" + "a" * 8192), 414)


@hostile("a megabyte without an end of line is refused and not kept", ECHO)
def endless_line(world):
    before = world.server.resident_bytes()
    for byte in (b"A", b" ", b"\x00", b"\xff", b"\r", b":"):
        world.expect_refusal(byte * 1048576, (400, 431))
    world.expect_refusal(b"GET /" + b"A" * 1048576, 414)
    world.expect_refusal(b"GET / HTTP/1.1\r\nHost: " + b"h" * 1048576, (400, 431))
    assert world.server.resident_bytes() < before + 16 * 1048576


@hostile("a silent client is closed after its timeout", ECHO,
         {"server.limits.handshake_timeout_ms": 800})
def silent(world):
    peers = [world.connect() for _ in range(20)]
    for peer in peers:
        world.watch(peer)
        assert peer.ends()


def drip(world, peer, data, what):
    """Send byte by byte, until an answer or the end comes."""
    rest = iter(data)
    world.until(lambda: peer.has_input(0.01) or not peer.try_send(bytes([next(rest)])), f"an answer to {what}")


@hostile("a client that sends single bytes has one timeout for all of them", ECHO,
         {"server.limits.handshake_timeout_ms": 1500})
def slow(world):
    wanted = {
        "a head in single bytes": request(headers=["X: " + "y" * 8000]),
        "empty lines": b"\r\n" * 4000,
        "one target": b"GET /" + b"a" * 8000,
        "a body": plain(method="POST", headers=["Content-Length: 8000"]) + b"b" * 8000,
    }
    for what, data in wanted.items():
        peer = world.connect()
        # A round trip of the bystander a byte: it would not end if each byte bought more time.
        drip(world, peer, data, what)
        answer = peer.read_answer()
        assert answer.status in (400, 405, 408, 413), f"{answer.status} for {what}"
        assert peer.read_to_end() == b""


@hostile("a head whose last line never ends is answered with 408", ECHO, {"server.limits.handshake_timeout_ms": 800})
def unfinished(world):
    for data in (request()[:-2], request()[:-1], b"G", b"GET / HTTP/1.1\r\n", b"HEAD / HTTP/1.1\r\nHost: a\r\n"):
        peer = world.connect()
        peer.send(data)
        world.watch(peer)
        assert peer.read_answer(head_only=data.startswith(b"HEAD")).status == 408
        assert peer.read_to_end() == b""


@hostile("a page of another origin is refused with 403 before the upgrade", CHATROOM, ALLOWED)
def origins(world):
    port = world.server.port
    evil = [
        "https://evil.example", "http://good.example", "https://good.example:8443",
        "https://good.example.evil.example", "https://evil.good.example", "https://good.example@evil.example",
        "https://user@good.example", "https://user:pass@good.example", "https://good.example/",
        "https://good.example/path", "https://good.example?", "https://good.example#",
        "https://good.example%2eevil.example", "https://good.example\\@evil.example", "https://goodxexample",
        "https://good.exampl", "https://good.example.", "good.example", "//good.example", "null", "", "*", "file://",
        "https://", "https://good.example https://evil.example", "https://evil.example, https://good.example",
        "http://localhost", "http://localhost:80801", "http://localhost:8080:1", "http://localhost:08080x",
        f"http://127.0.0.1:{port}", "javascript:alert(1)", "https://\xff.example",
        "https://GOOD.example.evil.example",
    ]
    for origin in evil:
        answer = world.expect_refusal(request(headers=[f"Origin: {origin}"]), 403)
        assert "upgrade" not in answer.headers, answer.head
    world.expect_refusal(request(headers=["Origin: https://good.example", "Origin: https://evil.example"]), (400, 403))
    answer = world.expect_refusal(request(headers=["Origin: https://evil.example"]), 403)
    assert b'add "https://evil.example" to server.allowed_origins' in answer.body, answer.body
    for origin in ("https://good.example", "https://GOOD.EXAMPLE", "https://good.example:443", "http://localhost:8080"):
        world.join(headers=[f"Origin: {origin}"])
    world.join()


@hostile("without a list a page must come from the host that it speaks to", CHATROOM)
def same_origin(world):
    host = f"localhost:{world.server.port}"
    evil = [
        "http://localhost", "http://evil.example", "http://127.0.0.1:1", "null",
        f"http://{host}@evil.example", f"http://{host}.evil.example", f"http://evil.{host}",
    ]
    for origin in evil:
        world.expect_refusal(request(host=host, headers=[f"Origin: {origin}"]), 403)
    world.join(host=host, headers=[f"Origin: http://{host}"])
    # Only a proxy that ends TLS delivers the page of a host over https to a plain listener.
    world.join(host=host, headers=[f"Origin: https://{host}"])
    world.join(host="chat.example.org", headers=["Origin: https://chat.example.org"])
    # A page over https may open ws:// to an address of this machine; it is somebody else's all the same.
    world.expect_refusal(request(host=host, headers=["Origin: https://evil.example"]), 403)
    answer = world.expect_refusal(request(host=host, headers=["Origin: capacitor://localhost"]), 403)
    assert f'server.allowed_origins: ["http://{host}", "capacitor://localhost"]'.encode() in answer.body, answer.body


@hostile("a name that was rebound to this machine is refused, and the refusal names the setting", CHATROOM)
def rebinding(world):
    for host in ("evil.example:7700", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.local.de"):
        answer = world.expect_refusal(request(host=host, headers=[f"Origin: http://{host}"]), 403)
        name = host.split(":")[0]
        assert f'set server.hosts: ["{name}"]'.encode() in answer.body, answer.body
        assert answer.headers["content-type"].startswith("text/plain"), answer.head
        assert "upgrade" not in answer.headers, answer.head
        world.server.wait_for_log(name, "server.hosts")
        world.expect_refusal(request(host=host, headers=[f"Origin: HTTP://{host.upper()}"]), 403)
    port = world.server.port
    for host in (f"127.0.0.1:{port}", f"[::1]:{port}", "localhost", "printer.local", "box:7700", "app.localhost:1"):
        world.join(host=host, headers=[f"Origin: http://{host}"])
    # A browser's WebSocket cannot add fields, so a proxy did.
    for field in ("X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1", "Via: 1.1 proxy"):
        world.join(host="chat.example.org", headers=["Origin: http://chat.example.org", field])
    world.join(host="chat.example.org")


@hostile("where hosts are configured, every other name is refused", CHATROOM,
         {"server.hosts": ["chat.example.org", "alt.example.org:8443"]})
def hosts(world):
    for fields in ([], ["Origin: https://evil.example"], ["Origin: http://evil.example"],
                   ["Origin: https://evil.example", "X-Forwarded-For: 192.0.2.1"], ["Origin: https://chat.example.org"]):
        answer = world.expect_refusal(request(host="evil.example", headers=fields), 403)
        assert b"server.hosts" in answer.body or b"server.allowed_origins" in answer.body, answer.body
    world.expect_refusal(request(host="chat.example.org", headers=["Origin: https://evil.example"]), 403)
    for host, origin in (("chat.example.org", "http://chat.example.org"), ("chat.example.org", "https://chat.example.org"),
                         ("127.0.0.1:7700", "https://chat.example.org"), ("localhost", "https://alt.example.org:8443")):
        world.join(host=host, headers=[f"Origin: {origin}"])
    world.join(host="chat.example.org")
    world.join()


@hostile("a star allows every origin, and each can be named instead", CHATROOM,
         {"server.allowed_origins": ["*"]})
def every_origin(world):
    for origin in ("https://chat.example", "capacitor://localhost", "null", "file://", "rubbish", ""):
        world.join(headers=[f"Origin: {origin}"])


@hostile("origins of apps that wrap a page can be named", CHATROOM,
         {"server.allowed_origins": ["null", "file://", "capacitor://localhost"]})
def named_origins(world):
    for origin in ("null", "file://", "capacitor://localhost"):
        world.join(headers=[f"Origin: {origin}"])
    for origin in ("file:///", "NULL", "capacitor://localhost:1", "ionic://localhost", ""):
        world.expect_refusal(request(headers=[f"Origin: {origin}"]), 403)


@hostile("a refusal does not repeat a malformed Origin", CHATROOM)
def no_reflection(world):
    for origin in ("<script>alert(1)</script>", 'http://a"b', "http://<b>.example", "http://" + "a" * 5000):
        answer = world.expect_refusal(request(headers=[f"Origin: {origin}"]), 403)
        assert not re.search(rb"[<>]|script|aaaa", answer.body), answer.body


@hostile("requests that break HTTP's grammar are refused", ECHO)
def grammar(world):
    good = plain()
    head = b"GET / HTTP/1.1\r\n"
    bad = [
        b"GET / HTTP/1.1\r\n\r\n", head + b"Host: a\r\nHost: a\r\n\r\n", head + b"Host: a\r\nHost: b\r\n\r\n",
        head + b"Host:\r\n\r\n", head + b"Host: a b\r\n\r\n", head + b"Host: a/b\r\n\r\n",
        head + b"Host: a@b\r\n\r\n", head + b"Host: a:b\r\n\r\n", head + b"Host: a:99999\r\n\r\n",
        good.replace(b"\r\n", b"\n"), good.replace(b"\r\n", b"\r"), head + b"Host: a\nX: b\r\n\r\n",
        head + b"Host: a\rX: b\r\n\r\n", head + b"Host: a\r\n X: folded\r\n\r\n",
        head + b"Host: a\r\nX: b\r\n\tfolded\r\n\r\n", b"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
        head + b"Host : a\r\n\r\n", head + b"Host: a\r\nX : b\r\n\r\n", head + b"Host: a\r\nno colon\r\n\r\n",
        head + b"Host: a\r\nnocolon\r\n\r\n", head + b"Host: a\r\n: no name\r\n\r\n",
        head + b"Host: a\r\nX: \x00\r\n\r\n", head + b"Host: a\r\nX\x00: b\r\n\r\n",
        head + b"Host: a\r\nX: \x7f\r\n\r\n", head + b"Host: a\r\nX: \x01\r\n\r\n",
        head + b"Host: a\r\n\x80: b\r\n\r\n", b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / x HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        b"GET / HTTP/11\r\nHost: a\r\n\r\n", b"GET / http/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1.1\r\nHost: a\r\n\r\n", b"GET /\r\nHost: a\r\n\r\n", b"GET /\r\n\r\n", b"GET\r\n\r\n",
        b" GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET a HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", b"GET http:// HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\r\n\r\n\r\n\r\n", b"\n\n\n\n", b"\x00" * 64, bytes(range(256)) * 4,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64, b"\x05\x01\x00", b"hello\r\n",
        b"{\"hello\": 1}\r\n",
    ]
    for data in bad:
        world.expect_refusal(data, 400)


@hostile("other major versions of HTTP are answered with 505, other methods with 405 or 501", ECHO)
def versions(world):
    for version in ("HTTP/2.0", "HTTP/0.9", "HTTP/3.0", "HTTP/9.9"):
        world.expect_refusal(plain(version=version), 505)
        world.expect_refusal(request(version=version), 505)
    # HTTP/2 with prior knowledge: PRI is a method that nobody knows here.
    world.expect_refusal(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(18), (400, 501, 505))
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"):
        world.expect_refusal(plain(method=method), 405)
        world.expect_refusal(request(method=method), (400, 405))
    for method in ("BREW", "get", "GETT", "G"):
        world.expect_refusal(plain(method=method), 501)


def old(*fields, method="GET", target="/"):
    """A request of HTTP/1.0, without Host."""
    return "\r\n".join([f"{method} {target} HTTP/1.0", *fields]).encode("latin-1") + b"\r\n\r\n"


@hostile("a proxy that speaks HTTP/1.0 gets the page, whole, and its connection ends", CHATROOM, PAGE)
def http_1_0(world):
    page = world.connect().ask(plain()).body
    for data in (old(), old("Host: localhost"), old("Connection: close"), old("Connection: close, keep-alive")):
        peer = world.connect()
        answer = peer.ask(data)
        assert (answer.status, answer.body) == (200, page), f"{answer.head!r} for {data!r}"
        assert answer.head.startswith(b"HTTP/1.1 200 OK\r\n"), answer.head
        assert answer.headers["connection"] == "close", answer.head
        assert "transfer-encoding" not in answer.headers, answer.head
        assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", answer.headers["date"]), answer.head
        assert peer.ends(), "more than one answer"
    peer = world.connect()
    peer.send(old(method="HEAD"))
    assert peer.read_answer(head_only=True).status == 200
    assert peer.ends(), "an answer to HEAD has no content"


@hostile("a connection of HTTP/1.0 is kept when that is asked for, and the answer says so", CHATROOM, PAGE)
def kept(world):
    peer = world.connect()
    for _ in range(3):
        answer = peer.ask(old("Connection: Keep-Alive"))
        assert answer.status == 200
        assert answer.headers["connection"] == "keep-alive", answer.head
        assert int(answer.headers["content-length"]) == len(answer.body)
    assert peer.ask(old()).headers["connection"] == "close"
    assert peer.ends()


@hostile("HTTP/1.0 cannot be upgraded, has no transfer codings, and must keep to the grammar", CHATROOM, PAGE)
def not_in_1_0(world):
    answer = world.expect_refusal(request(version="HTTP/1.0"), 426)
    assert answer.headers["upgrade"] == "websocket", answer.head
    world.expect_refusal(request(version="HTTP/1.0", host=None), 426)
    for fields in (["Transfer-Encoding: chunked"], ["Transfer-Encoding: identity"], ["Host: a", "Host: a"], ["Host:"],
                   ["Host: a b"], ["Content-Length: 0", "Transfer-Encoding: chunked"], ["Content-Length: 0, 5"],
                   ["Connection: keep-alive", "Transfer-Encoding: chunked"]):
        world.expect_refusal(old(*fields), 400)
    world.expect_refusal(old("Content-Length: 5") + b"GET /", 413)
    world.expect_refusal(old("Content-Length: 5", method="POST") + b"GET /", 405)
    world.expect_refusal(old(target="http://b/", method="GET").replace(b"\r\n\r\n", b"\r\nHost: a\r\n\r\n"), 400)


@hostile("a higher minor version is read as 1.1", ECHO)
def higher(world):
    peer = world.connect()
    assert peer.ask(request(version="HTTP/1.2")).status == 101
    world.expect_refusal(request(version="HTTP/1.2", host=None), 400)


@hostile("upgrade requests that lack something are refused", ECHO)
def upgrades(world):
    good = request()
    key = good[good.index(b"Sec-WebSocket-Key: ") + 19 :].split(b"\r\n")[0]
    world.expect_refusal(plain(), 426)
    world.expect_refusal(good.replace(b"Connection: Upgrade\r\n", b""), 400)
    world.expect_refusal(good.replace(b"Connection: Upgrade", b"Connection: close"), 400)
    world.expect_refusal(good.replace(b"Upgrade: websocket", b"Upgrade: h2c"), (400, 426))
    world.expect_refusal(good.replace(b"Sec-WebSocket-Key: " + key + b"\r\n", b""), 400)
    for bad in (b"", b"x", b"a" * 24, key[:-1], key + b"=", key + b"A", b"!" * 22 + b"==", key[:10] + b" " + key[11:]):
        world.expect_refusal(good.replace(key, bad), 400)
    world.expect_refusal(good[:-2] + b"Sec-WebSocket-Key: " + key + b"\r\n\r\n", 400)
    world.expect_refusal(good[:-2] + b"Sec-WebSocket-Version: 13\r\n\r\n", 400)
    for version in (b"12", b"14", b"8", b"0", b"-13", b"013", b"13, 8", b"abc", b"", b"130"):
        answer = world.expect_refusal(good.replace(b"Version: 13", b"Version: " + version), (400, 426))
        assert answer.headers.get("sec-websocket-version") == "13" or answer.status == 400, answer.head
    world.expect_refusal(request(target="/elsewhere"), 404)


@hostile("no value of a request becomes a header of the answer", ECHO)
def injection(world):
    marks = ("X-Injected", "x-injected")
    field = "X-Injected:%20yes"
    targets = [f"/%0d%0a{field}", f"/?a=%0d%0a{field}", f"/%0a{field}", f"/%E5%98%8A%E5%98%8D{field}"]
    for target in targets:
        for data in (plain(target), request(target)):
            peer = world.connect()
            answer = peer.ask(data)
            world.bystander.chat()
            assert not any(mark.encode() in answer.head + answer.body for mark in marks), answer.head
            peer.close()
    for value in ("X-Injected", "stoa.json%0d%0aX-Injected: yes", 'a b;"', "X-Injected, stoa.nothing", "\xe5\x98\x8dX"):
        expect_upgrade(world, [f"Sec-WebSocket-Protocol: {value}"])
        expect_upgrade(world, [f"Sec-WebSocket-Extensions: {value}"])
    world.expect_refusal(request(headers=['Sec-WebSocket-Protocol: a b;"\x7f']), 400)
    world.expect_refusal(request(headers=["Upgrade: websocket\rX-Injected: yes"]), 400)


@hostile("an answer may be asked for in pieces of any size", ECHO)
def pieces(world):
    data = request(headers=["Sec-WebSocket-Protocol: stoa.json", "X: " + "y" * 300]) + frame(TEXT, b"at once")
    for size in (1, 2, 3, 7, 100):
        peer = world.connect()
        for at in range(0, len(data), size):
            peer.send(data[at : at + size])
        world.bystander.chat()
        assert peer.read_answer().status == 101
        assert peer.read_message() == (TEXT, b"at once")
        peer.close()


run()
