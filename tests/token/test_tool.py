"""`stoa token` by itself, and against PyJWT, another implementation: what one signs the other verifies."""

import json
import os
import stat
import subprocess
import sys
import tempfile
import time

import jwt
import tap

STOA = os.environ["STOA"]
FOLDER = tempfile.TemporaryDirectory(prefix="stoa-token-")
ASYMMETRIC = ["RS256", "ES256", "EdDSA"]


def path(name):
    return os.path.join(FOLDER.name, name)


def stoa(*arguments, given=None):
    return subprocess.run([STOA, "token", *arguments], input=given, capture_output=True, text=True, timeout=60)


def good(*arguments, given=None):
    done = stoa(*arguments, given=given)
    assert done.returncode == 0, done
    assert done.stderr == "", done
    return done.stdout.strip()


def content(name):
    with open(path(name), encoding="ascii") as file:
        return file.read()


def key_of(algorithm):
    """The names of the files with the private and the public key, made once."""
    private, public, jwks = (f"{algorithm}.{end}" for end in ("key", "pem", "json"))
    if not os.path.exists(path(private)):
        public_files = [] if algorithm == "HS256" else ["--public", path(public), "--jwks", path(jwks), "--kid", "a"]
        good("key", "--alg", algorithm, "--out", path(private), *public_files)
    return private, public, jwks


def options(algorithm):
    """What `inspect` is told of the key."""
    private, public, _ = key_of(algorithm)
    return ["--secret", path(private)] if algorithm == "HS256" else ["--key", path(public)]


def sign(algorithm, *arguments, given=None):
    private, _, _ = key_of(algorithm)
    return good("sign", "--secret" if algorithm == "HS256" else "--key", path(private), *arguments, given=given)


def pyjwt_key(algorithm, is_public):
    private, public, _ = key_of(algorithm)
    return content(private).strip() if algorithm == "HS256" or not is_public else content(public)


@tap.test("a private key is a file that only its owner can read, and is never overwritten")
def _():
    for algorithm in ["HS256", *ASYMMETRIC]:
        private, _, _ = key_of(algorithm)
        assert stat.S_IMODE(os.stat(path(private)).st_mode) == 0o600
        before = content(private)
        again = stoa("key", "--alg", algorithm, "--out", path(private))
        assert again.returncode == 1 and "File exists" in again.stderr, again
        assert content(private) == before


@tap.test("PyJWT verifies what stoa signs")
def _():
    for algorithm in ["HS256", *ASYMMETRIC]:
        token = sign(algorithm, "--kid", "a", "--expires", "1h", '{"sub":"ann","name":"Änn","aud":["chat"]}')
        key = pyjwt_key(algorithm, True)
        claims = jwt.decode(token, key, algorithms=[algorithm], audience="chat")
        assert claims["sub"] == "ann" and claims["name"] == "Änn", claims
        assert abs(claims["exp"] - time.time() - 3600) < 60, claims
        assert jwt.get_unverified_header(token) == {"alg": algorithm, "typ": "JWT", "kid": "a"}


@tap.test("with --link it prints an invitation, whose token is in the fragment")
def prints_link():
    claims = '{"sub":"ann"}'
    link = sign("EdDSA", "--expires", "1h", "--link", "https://chat.example.org/chat/", claims)
    assert link.startswith("https://chat.example.org/chat/#token="), link
    token = link.partition("#token=")[2]
    assert jwt.decode(token, pyjwt_key("EdDSA", True), algorithms=["EdDSA"])["sub"] == "ann"


@tap.test("stoa verifies what PyJWT signs")
def _():
    for algorithm in ["HS256", *ASYMMETRIC]:
        token = jwt.encode({"exp": time.time() + 60.5, "sub": "ann"}, pyjwt_key(algorithm, False), algorithm)
        assert good("inspect", *options(algorithm), given=token).endswith("\nvalid")
        assert good("inspect", *options(algorithm), token).endswith("\nvalid")


@tap.test("PyJWT reads the JWKS that stoa writes, and stoa reads it too")
def _():
    for algorithm in ASYMMETRIC:
        _, _, jwks = key_of(algorithm)
        token = sign(algorithm, "--kid", "a", "--expires", "60", "{}")
        entry = jwt.PyJWKSet.from_dict(json.loads(content(jwks))).keys[0]
        assert entry.key_id == "a"
        jwt.decode(token, entry.key, algorithms=[algorithm])
        assert good("inspect", "--jwks", path(jwks), token).endswith("\nvalid")


@tap.test("inspect says why a token is not valid, and exits with 1")
def _():
    private = pyjwt_key("EdDSA", False)
    cases = [
        (jwt.encode({"exp": 1}, private, "EdDSA"), [], "the token has expired"),
        (jwt.encode({"sub": "a"}, private, "EdDSA"), [], "the token has no expiry"),
        (jwt.encode({"exp": time.time() + 60}, "x" * 32, "HS256"), [], "no key is known for the token"),
        (jwt.encode({"exp": time.time() + 60}, None, "none"), [], "the algorithm is not allowed"),
        (jwt.encode({"exp": time.time() + 60, "iss": "a"}, private, "EdDSA"), ["--issuer", "b"],
         "the token is of another issuer"),
        (jwt.encode({"exp": time.time() + 60, "aud": "a"}, private, "EdDSA"), ["--audience", "b"],
         "the token is for another audience"),
    ]
    for token, more, why in cases:
        done = stoa("inspect", *options("EdDSA"), *more, token)
        assert done.returncode == 1, done
        assert done.stdout.endswith(f"\nnot valid: {why}\n"), done


@tap.test("inspect shows header, claims and dates without a key")
def _():
    token = jwt.encode({"exp": 1300819380, "sub": "ann"}, "x" * 32, "HS256")
    lines = good("inspect", token).splitlines()
    assert json.loads(lines[0].removeprefix("header  "))["alg"] == "HS256", lines
    assert json.loads(lines[1].removeprefix("claims  ")) == {"exp": 1300819380, "sub": "ann"}, lines
    assert lines[2:] == ["expires 2011-03-22T18:43:00Z"], lines


@tap.test("inspect refuses what is no token, and prints none of it")
def _():
    done = stoa("inspect", given="my secret password")
    assert done.returncode == 1 and done.stdout == "", done
    assert "secret" not in done.stderr and "three parts" in done.stderr, done


@tap.test("what is wrong on the command line is said")
def _():
    cases = [
        ([], "usage: stoa token"),
        (["fly"], "no command named fly"),
        (["key", "--alg", "RS512", "--out", path("x")], "expected --alg HS256"),
        (["key", "--alg", "EdDSA"], "expected --alg"),
        (["key", "--alg", "HS256", "--out", path("x"), "--public", path("y")], "no public half"),
        (["key", "--what"], "unrecognized option"),
        (["sign", "{}"], "expected --key FILE or --secret FILE"),
        (["sign", "--key", "a", "--secret", "b"], "one key is enough"),
        (["sign", "--key", "a", "--expires", "1y"], "got 1y"),
        (["sign", "--key", "a", "--link", "chat.example.org"], "got chat.example.org"),
        (["sign", "--key", "a", "--link", "https://chat.example.org/#lobby"], "without a #"),
        (["sign", "--key", "a", "--expires", "0"], "got 0"),
        (["inspect", "--key", "a", "--jwks", "b"], "one key is enough"),
        (["inspect", "a", "b"], "got b too"),
        (["inspect", "--what"], "unrecognized option"),
    ]
    for arguments, why in cases:
        done = stoa(*arguments)
        assert done.returncode == 2 and why in done.stderr, done
    assert good("--help").startswith("usage: stoa token")


@tap.test("claims that cannot be signed are refused")
def _():
    private, public, _ = key_of("EdDSA")
    for claims, more, why in [
        ("[]", [], "no JSON object"),
        ("", ["--expires", "60"], "no JSON object"),
        ('{"exp":1}', ["--expires", "60"], "a member comes twice"),
        ('{"exp":"1"}', [], "no date"),
        (json.dumps({"a": "x" * 4096}), [], "longer than 4 KiB"),
    ]:
        done = stoa("sign", "--key", path(private), *more, given=claims)
        assert done.returncode == 1 and done.stdout == "" and why in done.stderr, done
    done = stoa("sign", "--key", path("none"), "{}")
    assert done.returncode == 1 and "no such file" in done.stderr, done
    os.chmod(path(public), 0o600)
    done = stoa("sign", "--key", path(public), "{}")
    assert done.returncode == 1 and "no private key" in done.stderr, done


if __name__ == "__main__":
    sys.exit(tap.run())
