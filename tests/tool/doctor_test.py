"""`stoa doctor` finds planted faults, behind real proxies, and says what to do about each."""

import contextlib
import datetime
import ipaddress
import os
import re
import shutil
import socket
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from behind import Behind, Way
from server_process import Server
from tap import Skip, run, test
from tool import FAILED, FINE, USAGE, fresh, stoa
from ways import NGINX_UPGRADE, haproxy_command, haproxy_with, nginx_command, nginx_http_with

WEB_ROOT = os.environ["WEB_ROOT"]


@contextlib.contextmanager
def serving(settings=None, program="ECHO", scheme="ws"):
    server = Server(os.environ[program], settings)
    try:
        yield f"{scheme}://127.0.0.1:{server.port}/"
        server.stop()
    finally:
        server.kill()


@contextlib.contextmanager
def behind(configure, command=nginx_command, settings=None, program="BOOKMARKS", tls=False):
    """The URL through the proxy, and that past it."""
    program_file = command("", "")[0]
    if shutil.which(program_file) is None:
        raise Skip(f"{program_file} is not installed")
    with Behind(Way("a proxy", configure, command, tls=tls), settings, program) as place:
        yield f"{'wss' if tls else 'ws'}://{place.host}/", f"ws://127.0.0.1:{place.server.port}/"


def findings(done):
    """[(level, step, text, [what to do])]"""
    found = []
    for line in done.out.splitlines():
        match = re.match(r"(ok|note|problem) +(\S+) +(.*)", line)
        if match:
            found.append((*match.groups(), []))
        elif line.strip().startswith("do:"):
            found[-1][3].append(line.strip()[3:].strip())
    return found


def expect_problem(done, step, text, advice):
    """Just this problem is found, with what to do."""
    done.expect(FAILED)
    problems = [finding for finding in findings(done) if finding[0] == "problem"]
    assert len(problems) == 1, done
    (_, found_step, found_text, advices) = problems[0]
    assert found_step == step and text in found_text, done
    assert any(advice in one for one in advices), done


def expect_good(done, *steps):
    done.expect(FINE, "0 problems")
    good = [finding[1] for finding in findings(done) if finding[0] == "ok"]
    assert set(steps) <= set(good), done


# ---- what works ----


@test("a server that works has no problem, each step is named, and other sites are refused")
def healthy():
    with serving({"server.compression": True}, "BOOKMARKS") as url:
        done = stoa("doctor", url, "--compression", "--for", "2s", "--ping", "100ms")
        expect_good(done, "name", "tcp", "upgrade", "subprotocol", "compression", "origin", "ping", "hold", "close")
        assert "pages of other sites are refused" in done.out and "stoa.json" in done.out, done
        assert int(re.search(r"(\d+) pongs", done.out)[1]) >= 1, done
        expect_good(stoa("doctor", url.replace("ws:", "http:"), "--subprotocol", "stoa.proto"), "subprotocol")


@test("a server behind nginx and behind haproxy has no problem, and what the proxy adds is named")
def healthy_behind():
    with behind(nginx_http_with(NGINX_UPGRADE)) as (url, direct):
        done = stoa("doctor", url, "--direct", direct)
        expect_good(done, "ping", "direct", "proxy")
        assert "server: nginx" in done.out, done
    with behind(haproxy_with("http"), haproxy_command) as (url, direct):
        expect_good(stoa("doctor", url, "--direct", direct), "ping", "direct")


@test("a session is held, and the server's pings that come meanwhile are counted")
def held():
    with serving({"server.ping_interval_ms": 200, "server.pong_timeout_ms": 200}) as url:
        done = stoa("doctor", url, "--for", "3s")
        (hold,) = [text for level, step, text, _ in findings(done) if step == "hold" and level == "ok"]
        assert int(re.search(r"(\d+) pings of the server", hold)[1]) >= 1, done
    with serving(program="BOOKMARKS") as url:
        done = stoa("doctor", url, "--for", "100ms").expect(FINE, "a shorter time finds less")
        assert "--for 55s" in done.out, done


@test("a server that admits every page is told of it, and this is no problem")
def all_origins():
    with serving({"server.allowed_origins": ["*"]}, "BOOKMARKS") as url:
        stoa("doctor", url).expect(FINE, "pages of any other site may connect")


# ---- ten planted faults ----


@test("fault 1: a page of another origin")
def wrong_origin():
    with serving(program="BOOKMARKS") as url:
        done = stoa("doctor", url, "--origin", "https://app.example")
        expect_problem(done, "origin", "pages of https://app.example may not connect", "server.allowed_origins")
    # The proxy does not say under which name it was called.
    stripped = NGINX_UPGRADE.replace("proxy_set_header Host $http_host;", "proxy_set_header Host inner.example;")
    with behind(nginx_http_with(stripped)) as (url, _):
        expect_problem(stoa("doctor", url), "origin", "HTTP 403", "proxy_set_header Host $http_host")


@test("fault 2: a proxy that does not pass the upgrade on")
def no_upgrade():
    configure = nginx_http_with("proxy_http_version 1.1; proxy_set_header Host $http_host;")
    with behind(configure) as (url, direct):
        done = stoa("doctor", url)
        expect_problem(done, "upgrade", "a proxy in between does not pass it on", "proxy_set_header Upgrade")
        done = stoa("doctor", url, "--direct", direct).expect(FAILED, "what is in between is to blame")
    with behind(configure, settings={"server.web_root": WEB_ROOT}) as (url, _):
        expect_problem(stoa("doctor", url), "upgrade", "HTTP 200", "proxy_set_header Upgrade")


@test("fault 3: a proxy that ends silent connections before the server's ping")
def timeout():
    for configure, command in ((nginx_http_with(NGINX_UPGRADE, "proxy_read_timeout 3s;"), nginx_command),
                               (haproxy_with("http", tunnel="3s"), haproxy_command)):
        with behind(configure, command) as (url, _):
            done = stoa("doctor", url, "--for", "20s")
            expect_problem(done, "hold", "nothing had been sent for", "server pings every 25 s only")
            assert "proxy_read_timeout" in done.out and "timeout tunnel" in done.out, done
            # Pings that come often enough keep it alive.
            expect_good(stoa("doctor", url, "--for", "4s", "--ping", "300ms"), "hold")


@test("fault 4: a proxy that speaks HTTP/1.0")
def http_1_0():
    fields = NGINX_UPGRADE.replace("proxy_http_version 1.1;", "proxy_http_version 1.0;")
    with behind(nginx_http_with(fields)) as (url, _):
        expect_problem(stoa("doctor", url), "upgrade", "as HTTP/1.0", "proxy_http_version 1.1")
    answer = b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<html>\n"
    with answering(answer) as url:
        expect_problem(stoa("doctor", url), "upgrade", "speaks HTTP/1.0", "proxy_http_version 1.1")


@test("fault 5: a certificate that has expired")
def expired():
    with fresh() as folder:
        authority = Authority(folder)
        settings = tls_settings(*authority.issue(days=(-30, -3)))
        with serving(settings, "BOOKMARKS", "wss") as url:
            done = stoa("doctor", url, "--ca", authority.path)
            expect_problem(done, "certificate", "it expired 3 days ago", "renew it")
        with serving(tls_settings(*authority.issue(days=(-30, 5))), "BOOKMARKS", "wss") as url:
            done = stoa("doctor", url, "--ca", authority.path).expect(FINE, "5 days are left")
            assert "check that its renewal runs" in done.out, done
        with serving(tls_settings(*authority.issue(days=(-1, 90))), "BOOKMARKS", "wss") as url:
            expect_good(stoa("doctor", url, "--ca", authority.path), "tls", "certificate", "chain", "ping")
        with serving(tls_settings(*authority.issue(days=(2, 90))), "BOOKMARKS", "wss") as url:
            expect_problem(stoa("doctor", url, "--ca", authority.path), "certificate", "not valid yet", "clocks")


@test("fault 6: a certificate without the chain to its authority")
def missing_chain():
    with fresh() as folder:
        authority = Authority(folder)
        with serving(tls_settings(*authority.issue(middle=True, chain=False)), "BOOKMARKS", "wss") as url:
            done = stoa("doctor", url, "--ca", authority.path)
            expect_problem(done, "chain", "its own certificate only", "fullchain.pem")
        with serving(tls_settings(*authority.issue(middle=True)), "BOOKMARKS", "wss") as url:
            expect_good(stoa("doctor", url, "--ca", authority.path), "chain")
            # An authority that is not known.
            done = stoa("doctor", url)
            expect_problem(done, "chain", "2 certificates were sent", "--ca FILE")
        with serving(tls_settings(*authority.issue(name="other.example")), "BOOKMARKS", "wss") as url:
            expect_problem(stoa("doctor", url, "--ca", authority.path), "certificate", "is not for 127.0.0.1",
                           "get one for this name")


@test("fault 7: a path that is not the endpoint")
def wrong_path():
    with serving({"server.path": "/live"}, "BOOKMARKS") as url:
        expect_problem(stoa("doctor", url), "path", "there is no endpoint at /", "server.path")
        expect_good(stoa("doctor", url + "live"), "ping")
    with serving({"server.path": "/live", "server.web_root": WEB_ROOT}, "BOOKMARKS") as url:
        expect_problem(stoa("doctor", url), "path", "stoa.json says it is /live", f"use {url}live")


@test("fault 8: a proxy that removes the offer of compression")
def no_compression():
    on = {"server.compression": True}
    configure = nginx_http_with(NGINX_UPGRADE, 'proxy_set_header Sec-WebSocket-Extensions "";')
    with behind(configure, settings=on) as (url, direct):
        expect_problem(stoa("doctor", url, "--compression"), "compression", "is not used", "Sec-WebSocket-Extensions")
        done = stoa("doctor", url, "--direct", direct)
        expect_problem(done, "direct", "Sec-WebSocket-Extensions is \"permessage-deflate", "removes or changes")
    with behind(nginx_http_with(NGINX_UPGRADE), settings=on) as (url, direct):
        expect_good(stoa("doctor", url, "--compression", "--direct", direct), "compression", "direct")
    with serving(program="BOOKMARKS") as url:
        stoa("doctor", url).expect(FINE, "permessage-deflate was offered, and is not used")


@test("fault 9: a proxy that removes the subprotocol")
def no_subprotocol():
    for line in ('proxy_set_header Sec-WebSocket-Protocol "";', "proxy_hide_header Sec-WebSocket-Protocol;"):
        with behind(nginx_http_with(NGINX_UPGRADE, line)) as (url, _):
            expect_problem(stoa("doctor", url), "subprotocol", "the answer has none", "a proxy removes")
    with serving(program="BOOKMARKS") as url:
        expect_problem(stoa("doctor", url, "--subprotocol", "stoa.cbor"), "subprotocol", "stoa.cbor", "no codec")


@test("fault 10: plain text on a port of TLS, and TLS on a plain port")
def plain_on_tls():
    with serving(program="BOOKMARKS") as url:
        expect_problem(stoa("doctor", url.replace("ws:", "wss:")), "tls", "answers in plain text", "use ws://")
    with behind(nginx_http_with(NGINX_UPGRADE)) as (url, _):
        expect_problem(stoa("doctor", url.replace("ws:", "wss:")), "tls", "answers in plain text", "`ssl` at nginx")
    with fresh() as folder:
        with serving(tls_settings(*Authority(folder).issue()), "BOOKMARKS") as url:
            expect_problem(stoa("doctor", url), "upgrade", "speaks TLS", "use wss://")
    with behind(nginx_http_with(NGINX_UPGRADE), tls=True) as (url, _):
        expect_problem(stoa("doctor", url.replace("wss:", "ws:")), "upgrade", "speaks TLS", "use wss://")


# ---- others ----


@test("names, ports and answers that are no server are told apart")
def no_server():
    keeper = socket.socket()
    keeper.bind(("127.0.0.1", 0))
    url = f"ws://127.0.0.1:{keeper.getsockname()[1]}/"
    expect_problem(stoa("doctor", url), "tcp", "Connection refused", "start the server")
    keeper.listen()
    expect_problem(stoa("doctor", url, "--timeout", "200ms"), "upgrade", "no answer in time", "WebSocket server")
    expect_problem(stoa("doctor", "ws://none.invalid/"), "name", "none.invalid", "getent hosts")
    for answer, step, text, advice in (
            (b"SSH-2.0-x\r\n\r\n", "upgrade", "not HTTP", "WebSocket server"),
            (b"", "upgrade", "ended without an answer", "WebSocket server"),
            (b"HTTP/1.1 301 Moved\r\nLocation: https://a.example/\r\n\r\n", "upgrade", "301", "https://a.example/"),
            (b"HTTP/1.1 401 No\r\n\r\n", "upgrade", "401", "token"),
            (b"HTTP/1.1 502 Bad\r\n\r\nBad \x1b[31mGateway\n", "upgrade", "502 instead of 101: Bad \\x1b[31m",
             "does not reach"),
            (b"HTTP/1.1 503 Full\r\n\r\n", "upgrade", "503", "limit"),
            (b"HTTP/1.1 418 Tea\r\n\r\n", "upgrade", "418", "the log"),
            (b"HTTP/1.1 403 No\r\n\r\nblocked\n", "upgrade", "blocked", "refuses this client")):
        with answering(answer) as url:
            expect_problem(stoa("doctor", url, "--timeout", "30s"), step, text, advice)


@test("a server that answers like another client's, and frames that no server sends, are found")
def wrong_upgrades():
    head = b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
    good = head + b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: stoa.json\r\n\r\n"
    for answer, step, text in (
            (head + b"AAAA\r\nSec-WebSocket-Protocol: stoa.json\r\n\r\n", "upgrade", "is not the answer to our key"),
            (good + b"\x8a\x80\0\0\0\0", "ping", "a masked frame"),
            (good + b"\x8a\x7e\0\x80" + bytes(128), "ping", "more than 125 bytes"),
            (good + b"\x8b\0", "ping", "unknown opcode"),
            (good + b"\x8a\x02no", "ping", "another one came"),
            (good + b"\x88\x02\x11\xd7", "ping", "closed the session at once, with 4567"),
            (good, "ping", "the connection ended")):
        with answering(answer) as url:
            done = stoa("doctor", url, "--timeout", "30s").expect(FAILED)
            assert any(finding[:2] == ("problem", step) and text in finding[2] for finding in findings(done)), done


@test("bad usage exits with 2")
def usage():
    stoa("doctor").expect(USAGE, err="one URL")
    stoa("doctor", "ws://a/", "ws://b/").expect(USAGE, err="one URL")
    for bad in ("ftp://host/", "ws://", "ws://host:0/", "ws://a b/", "ws://h/" + "a" * 3000):
        stoa("doctor", bad).expect(USAGE)
    for arguments in (("--for", "long"), ("--ping", "0"), ("--header", "none"), ("--origin", "a\nb"), ("--fast",),
                      ("--direct", "ftp://x"), ("--timeout", "-1")):
        stoa("doctor", "ws://127.0.0.1:1/", *arguments).expect(USAGE)


# ---- helpers ----


@contextlib.contextmanager
def answering(answer):
    """The URL of a listener that gives this answer to every connection, whatever it asks, and ends it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                with peer, contextlib.suppress(OSError):
                    peer.recv(65536)
                    peer.sendall(answer)
                    peer.shutdown(socket.SHUT_WR)
                    while peer.recv(65536):
                        pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(30)


def tls_settings(certificate, key):
    return {"server.addresses": ["wss://127.0.0.1:0"], "server.tls.certificate": certificate, "server.tls.key": key}


class Authority:
    """An authority, one that it has certified, and certificates of both, with any dates."""

    def __init__(self, folder):
        self.folder = folder
        self.path = os.path.join(folder, "root.pem")
        self.count = 0
        self.root = self._make("Root", None, (-400, 400), is_authority=True)
        self.middle = self._make("Middle", self.root, (-400, 400), is_authority=True)
        self._write(self.path, self.root[0])

    def issue(self, days=(-1, 90), middle=False, chain=True, name=None):
        """(certificate file, key file); days are those of its begin and its end, from now."""
        issuer = self.middle if middle else self.root
        certificate, key = self._make("Server", issuer, days, alternative=name)
        self.count += 1
        paths = [os.path.join(self.folder, f"{self.count}.{end}") for end in ("pem", "key")]
        self._write(paths[0], *([certificate, self.middle[0]] if middle and chain else [certificate]))
        with open(os.open(paths[1], os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                         serialization.NoEncryption()))
        return paths

    @staticmethod
    def _write(path, *certificates):
        with open(path, "wb") as file:
            for certificate in certificates:
                file.write(certificate.public_bytes(serialization.Encoding.PEM))

    @staticmethod
    def _make(name, issuer, days, is_authority=False, alternative=None):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        # An hour more, so that "5 days" does not become "4 days" meanwhile.
        begin, end = (datetime.datetime.utcnow() + datetime.timedelta(days=day, hours=1) for day in days)
        names = [x509.DNSName(alternative)] if alternative else [
            x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = (x509.CertificateBuilder().subject_name(subject).public_key(key.public_key())
                   .issuer_name(issuer[0].subject if issuer else subject).serial_number(x509.random_serial_number())
                   .not_valid_before(begin).not_valid_after(end)
                   .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
                   .add_extension(x509.SubjectAlternativeName(names), critical=False))
        return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key


run()
