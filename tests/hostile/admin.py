"""The admin listener: keys, pages of other sites, and requests that should not be (rows 40 and 46)."""

import os
import re
import subprocess
import tempfile

from jwt_forge import Forge
from tap import run, test
from world import OFFICE, hostile
from ws_raw import request

folder = tempfile.TemporaryDirectory()
forge = Forge(folder.name)
KEY = "0123456789abcdef0123456789abcdefFEDCBA"
JSON = "Content-Type: application/json"
AUTHORIZED = f"Authorization: Bearer {KEY}"
locked = {"program": OFFICE, "settings": {"server.admin.address": "127.0.0.1:0", "server.admin.key": KEY}}
tokens = {"program": OFFICE, "headers": ["Authorization: Bearer " + forge.token()],
          "settings": {**locked["settings"], **forge.settings()}}
BIG = 18446744073709551616


def ask(world, method, target, fields=(), body=b"", host="localhost"):
    """One request to the admin listener; its connection ends with it."""
    peer = world.connect(port=world.server.ports[-1])
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *fields]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    peer.try_send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
    answer = peer.read_answer()
    peer.close()
    return answer


def same_but_date(answer):
    return re.sub(rb"\r\nDate: [^\r]+", b"", answer.head), answer.body


def was_kept(world):
    answer = ask(world, "GET", "/rooms", [AUTHORIZED])
    assert (answer.status, answer.body) == (200, b"kept"), answer.head


@hostile("without the key every route is answered with one 401, and with any other key with one 401", **tokens)
def keys(world):
    none = [[], [f"Cookie: key={KEY}"], [f"X-Api-Key: {KEY}"], [f"Proxy-Authorization: Bearer {KEY}"]]
    wrong = ["", "Bearer", f"Basic {KEY}", KEY, "Bearer x", f"Bearer {KEY[:-1]}", f"Bearer {KEY}x",
             f"Bearer {KEY[:-1]}B",
             f"Bearer 1{KEY[1:]}", f"Bearer {KEY.lower()}", f'Bearer "{KEY}"', f"Bearer {KEY},",
             f"Bearer {KEY} {KEY}", "Bearer " + "A" * 8000, "Bearer " + forge.token(),
             "Bearer " + forge.token({"alg": "none"})]
    for method, target in (("GET", "/rooms"), ("DELETE", "/rooms"), ("GET", "/metrics")):
        answers = {same_but_date(ask(world, method, target, ["Authorization: " + value])) for value in wrong}
        assert len(answers) == 1, answers
        assert answers.pop()[0].startswith(b"HTTP/1.1 401 "), (method, target)
        answers = {same_but_date(ask(world, method, target, fields)) for fields in none}
        for query in (f"?access_token={KEY}", f"?key={KEY}", f"?Authorization=Bearer%20{KEY}"):
            answers.add(same_but_date(ask(world, method, target + query)))
        assert len(answers) == 1, answers
        assert answers.pop()[0].startswith(b"HTTP/1.1 401 "), (method, target)
        world.bystander.chat()
    was_kept(world)


@hostile("health needs no key, and says nothing of it", **locked)
def health(world):
    for target in ("/healthz", "/readyz"):
        for fields in ([], [AUTHORIZED], ["Authorization: Bearer wrong"]):
            assert ask(world, "GET", target, fields).status == 200, target


@hostile("a form or a script of another site cannot use the listener, not even with its key", **locked)
def foreign_pages(world):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a",
                 "application/jsonx",
                 "text/json", "application/json, text/plain", ""):
        fields = [AUTHORIZED, *([f"Content-Type: {kind}"] if kind else [])]
        assert ask(world, "POST", "/rooms:find", fields, b"{}").status == 415, kind
    for fields in (["Origin: https://evil.example"], ["Origin: null"], ["Origin: http://localhost.evil.example"],
                   ["Origin: http://localhost", "Origin: https://evil.example"], ["Sec-Fetch-Site: cross-site"],
                   ["Sec-Fetch-Site: same-site"], ["Origin: file://"]):
        for method, target in (("GET", "/rooms"), ("DELETE", "/rooms"), ("POST", "/rooms:find"), ("GET", "/healthz"),
                               ("OPTIONS", "/rooms")):
            answer = ask(world, method, target, [AUTHORIZED, JSON, *fields], b"{}" if method == "POST" else b"")
            assert answer.status == 403, f"{answer.status} for {method} {target} {fields}"
            assert not any(name.startswith("access-control-") for name in answer.headers), answer.head
    was_kept(world)


@hostile("a name that was rebound to this machine is refused on every route, with the key and without", **locked)
def rebinding(world):
    for host in ("evil.example", "evil.example:8800", "127.0.0.1.evil.example", "localhost.evil.example",
                 "evil.local.de"):
        for target in ("/healthz", "/readyz", "/rooms", "/metrics", "/nothing"):
            for fields in ([], [AUTHORIZED], [AUTHORIZED, f"Origin: http://{host}"]):
                assert ask(world, "GET", target, fields, host=host).status == 403, (host, target, fields)
    for host in ("localhost", "127.0.0.1:8800", "[::1]:8800"):
        assert ask(world, "GET", "/healthz", [], host=host).status == 200, host


@hostile("a field or a parameter cannot change the method", **locked)
def method_override(world):
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        assert ask(world, "GET", "/rooms", [AUTHORIZED, f"{name}: DELETE"]).body == b"kept"
        assert ask(world, "POST", "/rooms", [AUTHORIZED, JSON, f"{name}: DELETE"], b"{}").status == 405
    assert ask(world, "GET", "/rooms?_method=DELETE", [AUTHORIZED]).body == b"kept"
    assert ask(world, "delete", "/rooms", [AUTHORIZED]).status in (400, 405, 501)
    was_kept(world)
    assert ask(world, "DELETE", "/rooms", [AUTHORIZED]).status == 200
    assert ask(world, "GET", "/rooms", [AUTHORIZED]).body == b"gone"


def find(world, body, fields=()):
    return ask(world, "POST", "/rooms:find", [AUTHORIZED, JSON, *fields], body)


@hostile("numbers that do not fit, limits above the rule and broken JSON are answered with 400", **locked)
def bodies(world):
    assert b'"18446744073709551615"' in find(world, b'{"id":18446744073709551615}').body
    assert b'"limit":100' in find(world, b"{}").body, "a list has a limit of its own"
    for body in (f'{{"id":{BIG}}}', f'{{"id":"{BIG}"}}', '{"id":-1}', '{"id":1e30}', '{"id":1.5}', '{"id":"0x10"}',
                 '{"id":{}}', '{"id":[1]}', '{"limit":101}', '{"limit":4294967296}', '{"limit":-1}', '{"limit":"all"}',
                 '{"limit":4294967295}', '{"name":"' + "x" * 33 + '"}', '{"name":7}',
                 '{"name":"\ud800"}'.replace("\ud800", "\\ud800"),
                 "", "[]", "null", "{", "{}{}", "{'id':1}", '{"id":1,"id":2}', "\ufeff{}", '{"a":' * 10000, "[" * 60000,
                 '{"id":' + "9" * 60000 + "}"):
        answer = find(world, body.encode())
        assert answer.status == 400, f"{answer.status} for {body[:60]!r}"
        assert len(answer.body) < 1024, "an answer says what is wrong, not all of it"
        world.bystander.chat()


@hostile("a body above the route's limit is refused with 413 before it is read", **locked)
def huge(world):
    before = world.server.resident_bytes()
    for length in (65537, 2**31, 2**63 - 1):
        peer = world.connect(port=world.server.ports[-1])
        peer.send(f"POST /rooms:find HTTP/1.1\r\nHost: localhost\r\n{AUTHORIZED}\r\n{JSON}\r\n"
                  f"Content-Length: {length}\r\n\r\n".encode())
        assert peer.read_answer().status == 413, length
    peer = world.connect(port=world.server.ports[-1])
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    peer.try_send(f"POST /rooms:find HTTP/1.1\r\nHost: localhost\r\n{AUTHORIZED}\r\n{JSON}\r\n"
                  f"Transfer-Encoding: chunked\r\n\r\n".encode())
    world.flood(peer, chunk, 64)
    assert peer.read_answer().status == 413
    assert world.server.resident_bytes() < before + 16 * 1048576


@hostile("the admin listener has no sessions, and the public one no admin routes", **locked)
def apart(world):
    peer = world.connect(port=world.server.ports[-1])
    assert peer.ask(request(headers=[AUTHORIZED])).status == 404
    for target in ("/rooms", "/metrics", "/healthz", "/readyz"):
        peer = world.connect()
        peer.send(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{AUTHORIZED}\r\nConnection: close\r\n\r\n".encode())
        assert peer.read_answer().status in (404, 426), target
    peer = world.connect()
    peer.send(f"DELETE /rooms HTTP/1.1\r\nHost: localhost\r\n{AUTHORIZED}\r\nConnection: close\r\n\r\n".encode())
    assert peer.read_answer().status in (404, 405)
    was_kept(world)


@test("an admin address that other machines reach does not start without a key")
def public_without_key():
    for address in ("0.0.0.0:0", "[::]:0", ":0"):
        done = subprocess.run([os.environ["OFFICE"], "--set", "server.addresses=[127.0.0.1:0]", "--set",
                               f'server.admin.address="{address}"'], stdin=subprocess.DEVNULL, capture_output=True,
                               text=True,
                              timeout=60, check=False)
        assert done.returncode == 1 and "server.admin" in done.stderr, (address, done.returncode, done.stderr[-500:])


run()
