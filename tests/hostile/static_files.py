"""Plain requests that ask for what they should not get (rows 27, 28, and 26 for the page)."""

import json
import os
import tempfile

from tap import run
from world import CHATROOM, hostile
from ws_raw import Peer, request

SECRET = b"the secret outside"
HIDDEN = b"the secret inside"

folder = tempfile.TemporaryDirectory()


def write(path, data):
    full = os.path.join(folder.name, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "wb") as file:
        file.write(data)


def lay_out():
    write("secret.txt", SECRET)
    write("root/index.html", b"<p>the page</p>")
    write("root/a b.txt", b"with a blank")
    write("root/sub/index.html", b"<p>below</p>")
    write("root/sub/script.js", b"1")
    write("root/.hidden", HIDDEN)
    write("root/.git/config", HIDDEN)
    write("root/sub/.env", HIDDEN)
    root = os.path.join(folder.name, "root")
    os.symlink("../secret.txt", os.path.join(root, "link.txt"))
    os.symlink(os.path.join(folder.name, "secret.txt"), os.path.join(root, "absolute.txt"))
    os.symlink("..", os.path.join(root, "up"))
    os.symlink("/proc/self/environ", os.path.join(root, "environ"))
    os.symlink("loop", os.path.join(root, "loop"))
    # As Kubernetes mounts a ConfigMap.
    write("root/..2026/settings.js", b"mounted")
    os.symlink("..2026", os.path.join(root, "..data"))
    os.symlink("..data/settings.js", os.path.join(root, "settings.js"))
    write("root/.well-known/security.txt", b"write to us")
    write("root/app.js", b"plain")
    write("root/app.js.gz", b"gzipped")
    os.mkfifo(os.path.join(root, "fifo"))
    return root


PAGE = {"server.web_root": lay_out()}


def get(world, target, headers=(), method="GET"):
    with Peer(world.server.port) as peer:
        lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
        peer.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")
        answer = peer.read_answer(head_only=method == "HEAD")
        assert peer.read_to_end() == b""
        world.bystander.chat()
        return answer


@hostile("the page and what lies beside it are served", CHATROOM, PAGE)
def honest(world):
    served = {
        "/": b"<p>the page</p>",
        "/index.html": b"<p>the page</p>",
        "/a%20b.txt": b"with a blank",
        "/sub/": b"<p>below</p>",
        "/sub/script.js?x=1": b"1",
        "/s%75b/script.js": b"1",
    }
    for target, body in served.items():
        answer = get(world, target)
        assert (answer.status, answer.body) == (200, body), f"{target}: {answer.head!r}"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        tag = answer.headers["etag"]
        # A proxy that compresses makes a tag weak (RFC 9110 13.1.2); a list and "*" name the version too.
        for known in (tag, "W/" + tag, f'"other", {tag}', f'"other"\r\nIf-None-Match: W/{tag}', "*"):
            again = get(world, target, [f"If-None-Match: {known}"])
            assert (again.status, again.body) == (304, b""), f"{again.head!r} for {known}"
            assert again.headers["date"].endswith(" GMT"), again.head
        assert get(world, target, ['If-None-Match: "other", W/"more"']).body == body


@hostile("links inside the folder, folders without their slash and compressed files are served", CHATROOM, PAGE)
def meant(world):
    assert get(world, "/settings.js").body == b"mounted"
    assert get(world, "/..data/settings.js").status == 404
    assert get(world, "/.well-known/security.txt").body == b"write to us"
    moved = get(world, "/sub")
    assert (moved.status, moved.headers["location"]) == (301, "./sub/"), moved.head
    packed = get(world, "/app.js", ["Accept-Encoding: gzip, br"])
    assert (packed.body, packed.headers["content-encoding"]) == (b"gzipped", "gzip"), packed.head
    plain = get(world, "/app.js")
    assert (plain.body, plain.headers["vary"]) == (b"plain", "Accept-Encoding"), plain.head
    assert plain.headers["etag"] != packed.headers["etag"]


@hostile("a check by HTTP/1.0 gets the page and the end, or stays when it asks to", CHATROOM, PAGE)
def version_1_0(world):
    for host in ("", "Host: localhost\r\n"):
        with Peer(world.server.port) as peer:
            peer.send(f"GET / HTTP/1.0\r\n{host}\r\n".encode())
            answer = peer.read_answer()
            assert (answer.status, answer.body) == (200, b"<p>the page</p>"), answer.head
            assert answer.headers["connection"] == "close" and peer.read_to_end() == b""
    with Peer(world.server.port) as peer:
        for _ in range(3):
            peer.send(b"HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            answer = peer.read_answer(head_only=True)
            assert answer.headers["connection"] == "keep-alive", answer.head
        world.bystander.chat()


@hostile("files that are asked for all at once arrive, however many they are", CHATROOM, PAGE)
def many_at_once(world):
    write("root/piece.bin", b"piece" * 12000)
    peer = world.connect()
    peer.send(b"GET /piece.bin HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
    world.bystander.chat()
    for _ in range(100):
        assert peer.read_answer().body == b"piece" * 12000
    peer.close()


@hostile("the page gets the address of the WebSocket relative to itself", CHATROOM, PAGE)
def endpoint_at_root(world):
    answer = get(world, "/stoa.json")
    assert (answer.status, json.loads(answer.body)) == (200, {"endpoint": "./"}), answer.head
    assert answer.headers["content-type"] == "application/json"
    assert get(world, "/stoa%2ejson?x=1").body == answer.body
    head = get(world, "/stoa.json", method="HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(answer.body)))


@hostile("no spelling of a path leads out of the folder or to what is hidden in it", CHATROOM, PAGE)
def traversal(world):
    targets = [
        "/../secret.txt", "/sub/../../secret.txt", "/./../secret.txt", "/..", "/../", "/sub/../..", "/..//secret.txt",
        "/%2e%2e/secret.txt", "/%2E%2E/secret.txt", "/.%2e/secret.txt", "/%2e./secret.txt", "/..%2fsecret.txt",
        "/%2e%2e%2fsecret.txt", "/sub%2f..%2f..%2fsecret.txt", "/..%2Fsecret.txt", "/%252e%252e/secret.txt",
        "/%252e%252e%252fsecret.txt", "/..%252fsecret.txt", "/%25252e%25252e/secret.txt", "/..\\secret.txt",
        "/..%5csecret.txt", "/%5c..%5csecret.txt", "/sub\\..\\..\\secret.txt", "/%c0%ae%c0%ae/secret.txt",
        "/%c0%ae%c0%ae%c0%afsecret.txt", "/..%c0%afsecret.txt", "/%e0%80%ae%e0%80%ae/secret.txt",
        "/%uff0e%uff0e/secret.txt", "/%ef%bc%8e%ef%bc%8e/secret.txt", "/index.html%00", "/index.html%00.txt", "/%00",
        "/..%00/secret.txt", "/../secret.txt%00.html", "//secret.txt", "//etc/passwd", "///etc/passwd",
        "/sub//script.js", "//../secret.txt", "/%2fetc/passwd", "/%2f%2fetc/passwd", "/;/../secret.txt",
        "/..;/secret.txt", "/sub;/../../secret.txt", "/...;/secret.txt", "/.../secret.txt", "/..../secret.txt",
        "/.hidden", "/.git/config", "/sub/.env", "/%2ehidden", "/%2egit/config", "/sub/%2eenv", "/./index.html", "/.",
        "/link.txt", "/absolute.txt", "/up/secret.txt", "/up/root/index.html", "/environ", "/loop", "/fifo",
        "/index.html/", "/index.html/x", "/nothing.txt", "/%", "/%2", "/%zz", "/%0a", "/%0d%0aX:%20y", "/%7f",
        "/" + "a/" * 2000, "/" + "%2e%2e/" * 500 + "etc/passwd", "/" + "a" * 5000, f"/{folder.name}/secret.txt",
        "/proc/self/environ", "/dev/zero", "/C:/secret.txt", "/~root/.profile",
    ]
    for target in targets:
        answer = get(world, target)
        assert answer.status in (400, 403, 404, 414), f"{answer.status} for {target[:100]}"
        assert SECRET not in answer.body and HIDDEN not in answer.body, target
    # The target as a whole, too.
    whole = ["http://localhost/../secret.txt", "http://localhost/%2e%2e/secret.txt", "../secret.txt", "secret.txt"]
    for target in whole:
        answer = get(world, target)
        assert answer.status in (400, 403, 404) and SECRET not in answer.body, target


@hostile("the answer to a path that is not found does not repeat it", CHATROOM, PAGE)
def reflection(world):
    marks = [
        "<script>alert(1)</script>", "%3Cscript%3Ealert(1)%3C/script%3E", "%22onerror=alert(1)", "x'\"><img%20src=x>",
        "alert(1)", "%0d%0aSet-Cookie:%20a=b", "%E5%98%8A%E5%98%8DSet-Cookie:%20a=b",
    ]
    for mark in marks:
        for target in (f"/{mark}", f"/?q={mark}", f"/index.html/{mark}"):
            answer = get(world, target)
            said = (answer.head + answer.body).lower()
            if answer.status != 200:
                assert answer.headers["content-type"].startswith("text/plain"), answer.head
                assert answer.headers["x-content-type-options"] == "nosniff", answer.head
            for word in (b"script>", b"alert", b"onerror", b"<img", b"set-cookie"):
                assert word not in said, f"{target}: {said!r}"


@hostile("a refused upgrade repeats nothing of its request", CHATROOM, PAGE)
def upgrade_reflection(world):
    for target in ("/<script>alert(1)</script>", "/%3Cscript%3Ealert(1)"):
        answer = world.expect_refusal(request(target), (400, 404))
        assert b"alert" not in answer.head + answer.body
    answer = world.expect_refusal(request(headers=["Origin: http://<script>alert(1)</script>"]), (400, 403))
    assert b"alert" not in answer.head + answer.body


@hostile("odd methods, ranges and conditions get the whole file or a refusal", CHATROOM, PAGE)
def odd_requests(world):
    answer = get(world, "/", method="HEAD")
    assert answer.status == 200 and answer.headers["content-length"] == str(len(b"<p>the page</p>"))
    for method in ("POST", "PUT", "DELETE", "TRACE", "OPTIONS"):
        assert get(world, "/", method=method).status == 405
    for field in (
        "Range: bytes=0-18446744073709551615", "Range: bytes=-1", "Range: bytes=" + "0-1," * 1000 + "5-6",
        'If-None-Match: "' + "x" * 8000 + '"', "If-None-Match: %s%n", "Accept-Encoding: gzip;q=1e999",
    ):
        answer = get(world, "/", [field])
        assert (answer.status, answer.body) == (200, b"<p>the page</p>"), f"{field[:60]}: {answer.head!r}"


@hostile("a thousand requests on one connection are answered one after the other", CHATROOM, PAGE)
def pipelined(world):
    peer = world.connect()
    one = b"GET /sub/script.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
    peer.send(one * 1000)
    world.bystander.chat()
    for _ in range(1000):
        assert peer.read_answer().body == b"1"
    peer.close()


@hostile("files that are replaced and cut while they are asked for are never sent half", CHATROOM, PAGE)
def changing(world):
    for size in (0, 1, 100000, 10, 300000):
        write("root/changing.bin", os.urandom(size))
        answer = get(world, "/changing.bin")
        assert answer.status == 200 and len(answer.body) == size, json.dumps(answer.headers)
    os.remove(os.path.join(folder.name, "root/changing.bin"))
    assert get(world, "/changing.bin").status == 404


run()
