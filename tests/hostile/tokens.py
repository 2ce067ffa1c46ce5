"""Forged tokens, in the upgrade and in a message (row 33): one answer to all of them, and the end of a token."""

import json
import re
import tempfile
import time

from jwt_forge import ISSUER, Forge, base64url
from tap import run
from world import OFFICE, hostile
from ws_raw import BINARY, accept_of, frame, request

folder = tempfile.TemporaryDirectory()
forge = Forge(folder.name)
HELLO = b"\x80\0\0\x01\0\0\0\x07"
BAD, EXPIRED = 4500, 4005
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
auth = {"program": OFFICE, "settings": forge.settings(), "headers": ["Authorization: Bearer " + forge.token()]}


def changed(token, part, change):
    parts = token.split(".")
    parts[part] = change(parts[part])
    return ".".join(parts)


def forgeries():
    """Tokens that this server must refuse, by what is wrong with them."""
    good = forge.token()
    now = int(time.time())
    for name in ("none", "None", "NONE", "nOnE", ""):
        yield f"alg {name!r} without a signature", forge.token({"alg": name}, sign=lambda _: b"")
        yield f"alg {name!r} with a signature", forge.token({"alg": name})
    yield "HS256 with the public key as the secret", forge.token({"alg": "HS256"}, sign=forge.by_public_key)
    yield "RS256 signed as HS256", forge.token({"alg": "RS256"}, sign=forge.by_public_key)
    for name in ("HS384", "HS512", "RS384", "RS512", "PS256", "ES256", "EdDSA", "rs256", "RS256 ", "A" * 500):
        yield f"alg {name[:9]}", forge.token({"alg": name})
    for value in (None, 256, ["RS256"], {"RS256": 1}, True):
        yield f"alg {value!r}", forge.token({"alg": value})
    yield "no alg", forge.token({"typ": "JWT"})
    yield "alg twice", forge.token(b'{"alg":"RS256","alg":"RS256"}')
    yield "alg twice, one of them none", forge.token(b'{"alg":"none","alg":"RS256"}')
    yield "alg twice, once escaped", forge.token(b'{"alg":"RS256","\\u0061lg":"none"}')
    yield "crit", forge.token({"alg": "RS256", "crit": ["exp"], "exp": now})
    yield "an empty crit", forge.token({"alg": "RS256", "crit": []})
    yield "b64", forge.token({"alg": "RS256", "b64": False, "crit": ["b64"]})
    for name in ("../../../../../../dev/null", "/dev/null", "' UNION SELECT 'key' --", "key.pem\0", "x" * 600):
        # Here no key has a name, so the one key is tried: only its own signature counts.
        yield f"kid {name[:9]}", forge.token({"alg": "HS256", "kid": name}, sign=lambda text: b"\0" * 32)
    for name in ("jku", "x5u"):
        yield name, forge.token({"alg": "RS256", name: "https://evil.example/keys"},
                                sign=lambda text: forge.sign(text, forge.other))
    jwk = {"kty": "RSA", "n": base64url(forge.other.public_key().public_numbers().n.to_bytes(256, "big")), "e": "AQAB"}
    yield "jwk", forge.token({"alg": "RS256", "jwk": jwk}, sign=lambda text: forge.sign(text, forge.other))
    yield "another key", forge.token(sign=lambda text: forge.sign(text, forge.other))
    yield "no signature", good.rpartition(".")[0] + "."
    yield "one dot", good.rpartition(".")[0]
    yield "no dot", good.replace(".", "")
    yield "three dots", good + ".x"
    yield "five parts", "a.b.c.d.e"
    yield "nothing but dots", ".."
    for part in range(3):
        yield f"padding in part {part}", changed(good, part, lambda text: text + "=" * (-len(text) % 4 or 4))
        yield f"a plus in part {part}", changed(good, part, lambda text: "+" + text[1:])
        yield f"a slash in part {part}", changed(good, part, lambda text: "/" + text[1:])
        yield f"a bit less in part {part}", changed(good, part, lambda text: text[:-1])
        other = changed(good, part, lambda text: text[:9] + ("A" if text[9] != "A" else "B") + text[10:])
        yield f"a bit changed in part {part}", other
        yield f"a percent escape in part {part}", changed(good, part, lambda text: "%65" + text[1:])
    yield "claims swapped", changed(good, 1, lambda _: base64url(json.dumps(forge.claims(sub="root")).encode()))
    for name, value in (("exp", "9999999999"), ("exp", [9999999999]), ("exp", None), ("exp", True), ("exp", -1),
                        ("nbf", now + 3600), ("nbf", "0"), ("iss", "https://evil.example"), ("iss", None),
                        ("iss", [ISSUER]), ("aud", "other"), ("aud", None), ("aud", ["a", "b"]), ("aud", []),
                        ("aud", 7),
                        ("sub", 7), ("sub", {"a": 1})):
        yield f"{name} {value!r}", forge.token(claims=forge.claims(**{name: value}))
    good_claims = json.dumps(forge.claims()).encode()
    yield "exp 1e400", forge.token(claims=re.sub(rb'"exp": \d+', b'"exp": 1e400', good_claims))
    yield "exp NaN", forge.token(claims=re.sub(rb'"exp": \d+', b'"exp": NaN', good_claims))
    yield "exp twice", forge.token(claims=good_claims[:-1] + b', "exp": 9999999999}')
    yield "claims that are a list", forge.token(claims=b"[]")
    yield "claims that are no JSON", forge.token(claims=b"{")
    yield "claims that are not UTF-8", forge.token(claims=b'{"sub":"\xff"}')
    yield "deep claims", forge.token(claims=b"[" * 2000)
    yield "claims too long", forge.token(claims=forge.claims(more="x" * 4096))


def late_ones():
    now = int(time.time())
    yield "exp an hour ago", forge.token(claims=forge.claims(exp=now - 3600))
    yield "exp 0", forge.token(claims=forge.claims(exp=0))
    yield "exp past the leeway", forge.token(claims=forge.claims(exp=now - 27))


def in_upgrade(world, field):
    """What the server sends to an upgrade with this field, without what differs each time, until it ends."""
    peer = world.connect()
    peer.try_send(request(headers=["Sec-WebSocket-Protocol: stoa.json", field], key=KEY))
    answer = peer.read_answer()
    assert answer.status == 101 and answer.headers["sec-websocket-accept"] == accept_of(KEY), answer.head
    peer.end()
    whole = re.sub(rb"\r\nDate: [^\r]+", b"", answer.head), peer.read_to_end()
    peer.close()
    return whole


def code_of(answer):
    """Of the close frame, which comes after the error."""
    close = answer[1].rpartition(b"}")[2]
    assert close[0] == 0x88 and close[1] == len(close) - 2, answer
    return int.from_bytes(close[2:4], "big")


@hostile("every forged token in an upgrade gets one and the same answer, 4500", **auth)
def forged_upgrades(world):
    answers = set()
    for name, token in forgeries():
        answer = in_upgrade(world, "Authorization: Bearer " + token)
        assert code_of(answer) == BAD, f"{name}: {answer}"
        answers.add(answer)
        world.bystander.chat()
    assert len(answers) == 1, answers
    assert answers.pop()[1].endswith(b"bad token")
    late = {in_upgrade(world, "Authorization: Bearer " + token) for _, token in late_ones()}
    assert len(late) == 1 and code_of(late.pop()) == EXPIRED


@hostile("a good token of the same key is taken, in the upgrade and in a message", **auth)
def good_tokens(world):
    for header in ({"alg": "RS256"}, {"alg": "RS256", "kid": "none of this name"}):
        peer = world.join("stoa.json", headers=["Authorization: Bearer " + forge.token(header)])
        peer.send(frame(BINARY, HELLO + json.dumps({"token": forge.token()}).encode()))
        assert read_answer(peer) == (False, {"subject": "ann"})


def read_answer(peer):
    """(whether it is an error, the payload) of the answer to Hello."""
    while True:
        opcode, payload = peer.read_message()
        assert opcode == BINARY, payload
        if payload[0] & 0x80:
            assert payload[1:8] == HELLO[1:], payload
            return payload[0] & 0x40 != 0, json.loads(payload[8:])


def say_hello(world, text):
    peer = world.join("stoa.json")
    peer.send(frame(BINARY, HELLO + json.dumps({"token": text}).encode()))
    answer = read_answer(peer)
    peer.close()
    return answer


@hostile("every forged token in a message gets one and the same error, and leaves its session outside", **auth)
def forged_messages(world):
    answers = set()
    long_ones = [("64 KB", "A" * 60000), ("64 KB of dots", "." * 60000)]
    odd_ones = [("a NUL", forge.token() + "\0"), ("a blank", " " + forge.token()), ("nothing", "")]
    for name, token in [*forgeries(), *long_ones, *odd_ones]:
        is_error, error = say_hello(world, token)
        assert is_error and error["code"] == 101, f"{name}: {error}"
        answers.add(json.dumps(error))
        world.bystander.chat()
    assert len(answers) == 1, answers
    is_error, error = say_hello(world, next(late_ones())[1])
    assert is_error and error["reason"] == "TOKEN_EXPIRED", error


@hostile("a session that has no token yet gets nothing of the group, and its messages are refused", **auth)
def outside(world):
    peer = world.join("stoa.json")
    world.bystander.chat(3)
    peer.send(frame(BINARY, b"\0\0\0\0" + b'{"message":"let me in"}'))
    opcode, payload = peer.read_message()
    assert opcode == BINARY and b"UNAUTHORIZED" in payload, payload
    assert b"bystander" not in payload


@hostile("a token longer than a head is refused with 431, and two fields are one bad token at most", **auth)
def odd_fields(world):
    world.expect_refusal(request(headers=["Authorization: Bearer " + "A" * 65536]), 431)
    peer = world.connect()
    good = "Authorization: Bearer " + forge.token()
    peer.try_send(request(headers=["Authorization: Bearer x.y.z", good]))
    answer = peer.read_answer()
    # The first one counts, whoever added the second.
    assert answer.status == 400 or peer.read_close() == BAD, answer.head


@hostile("without server.auth.query_token a token in the query is none", **auth)
def no_query(world):
    peer = world.join("stoa.json", target="/?access_token=" + forge.token())
    peer.send(frame(BINARY, b"\0\0\0\0" + b'{"message":"let me in"}'))
    assert b"UNAUTHORIZED" in peer.read_message()[1]


@hostile("the end of a token ends its live session with 4005, and no other", **auth)
def ends(world):
    # It has expired, and is accepted for two or three seconds more.
    token = forge.token(claims=forge.claims(exp=int(time.time()) - 22))
    peer = world.join("stoa.json", headers=["Authorization: Bearer " + token])
    world.until(lambda: peer.has_input(0.02) and ended(peer), "the token's end")
    # One that is renewed in time stays.
    token = forge.token(claims=forge.claims(exp=int(time.time()) - 22))
    peer = world.join("stoa.json", headers=["Authorization: Bearer " + token])
    peer.send(frame(BINARY, HELLO + json.dumps({"token": forge.token()}).encode()))
    assert read_answer(peer) == (False, {"subject": "ann"})
    is_error, _ = say_hello_on(peer, forge.token(claims=forge.claims(sub="root")))
    assert is_error, "a token of another subject takes over a session"


def say_hello_on(peer, token):
    peer.send(frame(BINARY, HELLO + json.dumps({"token": token}).encode()))
    return read_answer(peer)


def ended(peer):
    """Whether the next frame is the close frame; others are what the bystander says."""
    first, payload = peer.read_frame()
    if first != 0x88:
        return False
    assert int.from_bytes(payload[:2], "big") == EXPIRED, payload
    return True


run()
