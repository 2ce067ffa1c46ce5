"""Tokens and keys are in no log, no metric and no error text, wherever a client puts them (row 52)."""

import base64
import json
import re
import tempfile
import urllib.parse

from jwt_forge import Forge
from tap import run
from world import CHATROOM, OFFICE, hostile
from ws_raw import BINARY, CONTINUATION, TEXT, frame, request

folder = tempfile.TemporaryDirectory()
forge = Forge(folder.name)
KEY = "Kq7Zt3Wm9Xc5Vb1Ny8Lp2Rd6Hs4Jf0Gw"
# Short, and without a letter twice, so that a part of it is found too.
SECRET = "sQ7xV2kRt9ZpW4bN8mL3"
good = forge.token()
DEBUG = {"log.level": "debug", "log.requests.mode": "all", "server.admin.address": "127.0.0.1:0",
         "server.admin.key": KEY}
OPEN = {**DEBUG, **forge.settings(), "server.auth.required": False, "server.auth.query_token": True}
HELLO = b"\x80\0\0\x01\0\0\0\x07"


def forms(secret):
    """A secret as it may stand somewhere, whole or its most telling part."""
    whole = [secret, secret[:16], secret[-16:]]
    if "." in secret:  # all headers of tokens begin alike
        whole = [secret[:60], secret[-40:], secret.split(".")[1][:30]]
    for text in whole:
        yield text
        yield text.encode().hex()
        yield base64.b64encode(text.encode()).decode().rstrip("=")
        yield urllib.parse.quote(text, safe="")


def expect_nowhere(text, *secrets):
    for secret in secrets:
        for form in forms(secret):
            at = text.find(form)
            assert at < 0, f"{form!r} is in ...{text[max(0, at - 200):at + 100]!r}"


def everywhere(secret):
    """Requests that carry it: (what is sent, whether the answer may echo nothing of it)."""
    host = "localhost"
    for target in (f"/{secret}", f"/{secret}/ws", f"/ws/{secret}", f"/?access_token={secret}", f"/?token={secret}",
                   f"/stoa.json?access_token={secret}", f"/rooms:find?id={secret}", f"/{secret}?{secret}",
                   f"/rooms/{secret}:find",
                   f"/%2e%2e/{secret}", f"/a;{secret}"):
        yield request(target)
        yield request(target, method="POST")
        for method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS"):
            yield f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        yield f"GET http://{host}{target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        yield f"GET {target} HTTP/9.9\r\nHost: {host}\r\n\r\n".encode()
        yield f"GET {target}\r\n\r\n".encode()
        yield f"BREW {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    for field in (f"Authorization: Bearer {secret}", f"Authorization: Basic {secret}", f"Authorization: {secret}",
                  f"Proxy-Authorization: Bearer {secret}", f"Cookie: session={secret}; a=b",
                  f"Referer: https://app.example.org/callback?code={secret}", f"X-Api-Key: {secret}",
                  f"Sec-WebSocket-Protocol: bearer, {secret}", f"Sec-WebSocket-Protocol: {secret}, stoa.json",
                  f"Sec-WebSocket-Extensions: {secret}", f"X-Forwarded-For: {secret}", f"Forwarded: for={secret}",
                  f"User-Agent: {secret}", f"Sec-WebSocket-Key: {secret}", f"Content-Type: {secret}",
                  f"Expect: {secret}",
                  f"{secret}: a", f"Authorization: Bearer {secret}\r\nAuthorization: Bearer {secret}"):
        yield request(headers=[field])
        yield request("/elsewhere", headers=[field])
        yield request(headers=[field, "Origin: https://evil.example"])
        yield request(headers=[field], host="evil.example")
        yield request(headers=[field], version="HTTP/1.0")
        for method, target in (("GET", "/"), ("POST", "/rooms:find"), ("DELETE", "/nothing")):
            yield (f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{field}\r\nContent-Length: 0\r\n"
                   "Connection: close\r\n\r\n").encode()
    for body in (json.dumps({"name": secret}), json.dumps({secret: 1}), json.dumps({"id": secret}), secret,
                 '{"name":"' + secret):
        yield (f"POST /rooms:find HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
               f"Content-Length: {len(body)}\r\n"
               f"Connection: close\r\n\r\n{body}").encode()


def send_everywhere(world, secret, ports):
    """Returns all that was answered, without what an application said."""
    answers = []
    for data in everywhere(secret):
        for port in ports:
            peer = world.connect(port=port)
            peer.try_send(data)
            peer.end()
            answers.append(peer.read_to_end().decode("latin-1"))
            peer.close()
        world.bystander.chat()
    return "".join(answers)


def send_messages(world, secret):
    """In messages that are good, wrong, and no frames at all."""
    for payload in (json.dumps({"token": secret}), json.dumps({"token": secret, "x": 1}), json.dumps({secret: secret}),
                    secret,
                    '{"token":"' + secret, json.dumps({"token": [secret]})):
        for head in (HELLO, b"\x80\0\0\x63\0\0\0\x07", b"\0\0\0\x63", b"\0\0\0\x01"):
            peer = world.join("stoa.json")
            peer.send(frame(BINARY, head + payload.encode()))
            peer.send(frame(TEXT, payload.encode() + b"\xff"))
            peer.try_send(frame(CONTINUATION, payload.encode()))
            peer.read_to_end()
            peer.close()
    for data in (secret.encode(), b"\xf1\x94" + secret.encode(), b"\x81\x14" + secret.encode()):
        peer = world.join("stoa.json")
        peer.try_send(data)
        peer.end()
        peer.read_to_end()
        peer.close()


def metrics(world):
    peer = world.connect(port=world.server.ports[-1])
    peer.send(f"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\nConnection: close\r\n"
              f"\r\n".encode())
    answer = peer.read_answer()
    assert answer.status == 200, answer.head
    return answer.body.decode()


def look(world, secrets, answers):
    world.server.wait_for_log("refused")  # something was written at all
    expect_nowhere(metrics(world), KEY, *secrets)
    # A client learns which value of its own was wrong, and nobody else does.
    expect_nowhere(re.sub(r'got \\"[^"]*"', "", answers), KEY, *secrets)
    expect_nowhere(world.server.log, KEY, *secrets)


@hostile("a secret of any form is in no line, no metric and no answer", OFFICE, DEBUG)
def any_secret(world):
    answers = send_everywhere(world, SECRET, world.server.ports)
    send_messages(world, SECRET)
    look(world, [SECRET], answers)


@hostile("tokens are in no line, no metric and no answer where they are verified, whether good or bad", OFFICE, OPEN)
def tokens(world):
    secrets = [good, forge.token(claims=forge.claims(exp=1)),
               forge.token(sign=lambda text: forge.sign(text, forge.other))]
    answers = "".join(send_everywhere(world, secret, world.server.ports[:1]) for secret in secrets)
    for secret in secrets:
        send_messages(world, secret)
    look(world, secrets, answers)


@hostile("neither does the chat room write them", CHATROOM, DEBUG)
def chatroom(world):
    answers = send_everywhere(world, SECRET, world.server.ports)
    send_messages(world, SECRET)
    expect_nowhere(answers, SECRET)
    expect_nowhere(world.server.log, KEY, SECRET)


run()
