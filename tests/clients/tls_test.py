"""TLS as other people's programs see it: `openssl s_client`, and Python's ssl and `websockets`."""

import asyncio
import json
import os
import ssl
import subprocess
import tempfile
import warnings

import tap
import websockets
from certificate import Authority
from server_process import Server

DEADLINE_S = 30
folder = tempfile.TemporaryDirectory()
authority = Authority(folder.name)
SITE = authority.issue("site", "DNS:localhost,IP:127.0.0.1")
WILD = authority.issue("wild", "DNS:*.wild.example")
ADA = authority.issue("ada", "URI:spiffe://example.org/ada")
os.mkdir(authority.path("other"))
EVE = Authority(authority.path("other")).issue("ada", "URI:spiffe://example.org/ada")
OCSP = authority.ocsp_response(SITE[0])

SETTINGS = {
    "server.addresses": ["wss://127.0.0.1:0"],
    "server.tls.certificate": SITE[0],
    "server.tls.key": SITE[1],
    "server.tls.ocsp_file": OCSP,
    "server.tls.certificates": [{"certificate": WILD[0], "key": WILD[1]}],
}
CLIENTS = {"server.tls.client_ca": authority.certificate, "server.tls.client_verify": "required"}
# s_client asks for the old versions only if its own level of security lets it.
OLD = ["-cipher", "DEFAULT@SECLEVEL=0"]


def test(name, program="CHATROOM", settings=None):
    def register(body):
        @tap.test(name)
        def whole():
            server = Server(os.environ[program], {**SETTINGS, **(settings or {})})
            try:
                body(server)
            except BaseException:
                server.kill()
                print("\n".join("# " + line for line in server.log[-2000:].splitlines()))
                raise
            server.stop()

        return whole

    return register


def s_client(server, *options, said=b"Q\n"):
    """What openssl s_client prints, which leaves after its Q."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-CAfile", authority.certificate, *options]
    done = subprocess.run(command, input=said, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=DEADLINE_S,
                          check=False)
    return done.stdout.decode("utf-8", "replace")


@test("TLS 1.2 and 1.3 are accepted, 1.0 and 1.1 are not")
def versions(server):
    for option, name in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
        said = s_client(server, option)
        assert "Verify return code: 0 (ok)" in said, said[-800:]
        assert f"New, {name}" in said, said[-800:]
    for option in ("-tls1", "-tls1_1"):
        said = s_client(server, option, *OLD)
        assert "alert protocol version" in said, said[-800:]


@test("with min_version 1.3 TLS 1.2 is refused", settings={"server.tls.min_version": "1.3"})
def only_new(server):
    assert "alert protocol version" in s_client(server, "-tls1_2")
    assert "New, TLSv1.3" in s_client(server)


@test("a client gets the certificate of the name that it asks for")
def names(server):
    assert "subject=CN = wild" in s_client(server, "-servername", "chat.wild.example")
    for options in (["-noservername"], ["-servername", "localhost"], ["-servername", "other.example"]):
        assert "subject=CN = site" in s_client(server, *options)


@test("unknown names are refused when the configuration says so", settings={"server.tls.refuse_unknown_names": True})
def unknown_names(server):
    assert "unrecognized name" in s_client(server, "-servername", "other.example")
    assert "subject=CN = site" in s_client(server, "-servername", "localhost")


@test("a client resumes by its ticket in both versions, and not without tickets")
def resumption(server):
    ticket = authority.path("ticket")
    for version in ("-tls1_2", "-tls1_3"):
        # The ticket of TLS 1.3 comes with the first answer.
        ask = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-quiet", "-ign_eof", version,
                        "-sess_out", ticket], input=ask, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       timeout=DEADLINE_S, check=False)
        assert "Reused, " in s_client(server, version, "-sess_in", ticket), version
        os.unlink(ticket)


@test("without tickets there is none to keep", settings={"server.tls.tickets": "off"})
def no_tickets(server):
    said = s_client(server, "-tls1_2")
    assert "TLS session ticket:" not in said, said[-800:]


@test("the OCSP response is sent to who asks for it")
def ocsp(server):
    for version in ("-tls1_2", "-tls1_3"):
        said = s_client(server, version, "-status")
        assert "OCSP Response Status: successful" in said, said[:1500]
        assert "Cert Status: good" in said
    assert "OCSP Response Status" not in s_client(server)


@test("http/1.1 is chosen, and a client that has h2 only is refused")
def protocols(server):
    assert "ALPN protocol: http/1.1" in s_client(server, "-alpn", "h2,http/1.1")
    assert "no application protocol" in s_client(server, "-alpn", "h2")


@test("a client without a certificate, or with one of another authority, is refused where one is required",
      settings=CLIENTS)
def client_certificates(server):
    for version in ("-tls1_2", "-tls1_3"):
        ada = s_client(server, version, "-cert", ADA[0], "-key", ADA[1], "-ign_eof",
                       said=b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert "HTTP/1.1 4" in ada or "HTTP/1.1 2" in ada, ada[-800:]
        assert "CN = Authority of a test" in ada.split("Acceptable client certificate CA names")[1]
        none = s_client(server, version, "-ign_eof", said=b"GET / HTTP/1.1\r\n\r\n")
        assert "alert certificate required" in none or "alert handshake failure" in none, none[-800:]
        eve = s_client(server, version, "-cert", EVE[0], "-key", EVE[1], "-ign_eof", said=b"GET / HTTP/1.1\r\n\r\n")
        assert "alert unknown ca" in eve, eve[-800:]


def context_of(version=None, show=False):
    context = ssl.create_default_context(cafile=authority.certificate)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if show:
        context.load_cert_chain(*ADA)
    return context


async def exchange(server, contexts, **options):
    """Each says something, and all receive it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        url = f"wss://localhost:{server.port}/"
        peers = [await websockets.connect(url, ssl=context, subprotocols=["stoa.json"], host="127.0.0.1", **options)
                 for context in contexts]
    text = "大家好 " * 300
    for number, peer in enumerate(peers):
        await peer.send(b"\0\0\0\0" + json.dumps({"message": f"{number} {text}"}).encode())
        for other in peers:
            while True:
                message = await asyncio.wait_for(other.recv(), DEADLINE_S)
                if message[:4] == b"\0\0\0\0":
                    break
            assert json.loads(message[4:])["message"] == f"{number} {text}"
    for peer in peers:
        await peer.close()


MIXED = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


@test("websockets clients of TLS 1.2 and 1.3 receive the same broadcasts, compressed and not", program="BROADCAST",
      settings={"server.compression": True})
def broadcasts(server):
    for compression in ("deflate", None):
        asyncio.run(exchange(server, [context_of(version) for version in MIXED], compression=compression))


@test("websockets clients that show a certificate are let in", settings=CLIENTS, program="BROADCAST")
def known_clients(server):
    asyncio.run(exchange(server, [context_of(version, show=True) for version in MIXED]))


tap.run()
