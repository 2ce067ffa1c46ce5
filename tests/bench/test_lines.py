"""`stoa bench` over TLS and with compressed messages, against Stoa itself and against faulty servers.

The faulty server knows neither; a proxy in front of it encrypts or compresses.
"""

import asyncio
import contextlib
import os
import ssl
import subprocess
import tempfile
import threading
import zlib

from running import DEADLINE_S, FAULTY, FLOOR, answering, assert_right, bench, serving, stoa
from server_process import Server
from tap import run, test
from ws_raw import CLOSE, RSV1, length_bytes, mask_payload

FOLDER = tempfile.TemporaryDirectory()
CERTIFICATE, KEY, OTHER = (os.path.join(FOLDER.name, name) for name in ("certificate.pem", "key.pem", "other.pem"))
TYPED = ("--prefix", "00000000")
TAIL = b"\x00\x00\xff\xff"
AGREED = b"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"


def make_certificate(path, key_path):
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-out", path, "-keyout", key_path, "-subj", "/CN=stoa"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


make_certificate(CERTIFICATE, KEY)
make_certificate(OTHER, os.path.join(FOLDER.name, "other-key.pem"))


@contextlib.contextmanager
def running_stoa(example, tls=False, settings=None):
    """One of Stoa's example programs; gives its URL. It must end well, too."""
    settings = dict(settings or {})
    if tls:
        settings["server.addresses"] = ["wss://127.0.0.1:0"]
        settings["server.tls.certificate"] = CERTIFICATE
        settings["server.tls.key"] = KEY
    server = Server(os.environ[example], settings)
    try:
        yield f"{'wss' if tls else 'ws'}://127.0.0.1:{server.port}/"
        server.stop()
    finally:
        server.kill()


COMPRESSING = {"server.compression": True}
# Nobody is slow here, however long the generator looks elsewhere.
PATIENT = {**COMPRESSING, "server.limits.send_queue_bytes_max": 1 << 26}


def deflated(payload):
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return (packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH))[: -len(TAIL)]


async def read_frame(reader, masked):
    first, second = await reader.readexactly(2)
    length = second & 0x7F
    if length > 125:
        length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8), "big")
    mask = await reader.readexactly(4) if masked else bytes(4)
    return first, mask_payload(mask, await reader.readexactly(length))


async def as_it_is(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def compressed(reader, writer):
    """A server's side, agreed to and compressed."""
    head = await reader.readuntil(b"\r\n\r\n")
    writer.write(head[:-2] + AGREED + b"\r\n")
    while True:
        first, payload = await read_frame(reader, masked=False)
        if first & 0x0F < CLOSE:
            first, payload = first | RSV1, deflated(payload)
        writer.write(bytes([first]) + length_bytes(len(payload), masked=False) + payload)
        await writer.drain()


async def inflated(reader, writer):
    """A client's side, where every message is to be compressed."""
    writer.write(await reader.readuntil(b"\r\n\r\n"))
    while True:
        first, payload = await read_frame(reader, masked=True)
        if first & 0x0F < CLOSE:
            if not first & RSV1:
                return
            first, payload = first & ~RSV1, zlib.decompressobj(-15).decompress(payload + TAIL)
        writer.write(bytes([first]) + length_bytes(len(payload)) + bytes(4) + payload)
        await writer.drain()


async def carry(way, reader, writer):
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        await way(reader, writer)
    writer.close()


@contextlib.contextmanager
def in_front_of(port, said=as_it_is, heard=as_it_is, tls=None):
    """Hand connections on to a port; gives the port to come to. `said` is what becomes of the server's bytes."""
    loop = asyncio.new_event_loop()

    async def serve(reader, writer):
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(heard, reader, far_writer), carry(said, far_reader, writer))

    async def end():
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(DEADLINE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(DEADLINE_S)
        loop.close()


@contextlib.contextmanager
def faulty_in_tls(*arguments):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    with serving(FAULTY, *arguments) as (port, _), in_front_of(port, tls=context) as front:
        yield f"wss://127.0.0.1:{front}/", ()


@contextlib.contextmanager
def faulty_with_compression(*arguments):
    with serving(FAULTY, *arguments) as (port, _), in_front_of(port, compressed, inflated) as front:
        yield f"ws://127.0.0.1:{front}/", ("--deflate",)


def faults_are_named(server):
    for fault, expected in (
        ("none", {}),
        ("drop", {"lost": 1}),
        ("double", {"doubled": 1}),
        ("reorder", {"out_of_order": 1}),
        ("damage", {"damaged": 1}),
        ("shorten", {"damaged": 1, "lost": 1}),
        ("foreign", {"damaged": 1}),
        ("ping", {}),
        ("close", {"closed": 1}),
    ):
        with server("--fault", fault) as (url, more):
            status, report = bench(
                "fanout", url, "-c", 3, "-w", 4, "-n", 50, "--drain", "500ms", "--size", 100, *TYPED, *more
            )
        found = {name: count for name, count in report["faults"].items() if count}
        if fault == "close":  # what had not come by then depends on when that was
            found.pop("lost", None)
        assert found == expected, (fault, report)
        assert status == (1 if expected else 0), (fault, report)


@test("faults over TLS have the same names as without it")
def _():
    faults_are_named(faulty_in_tls)


@test("faults among compressed messages have the same names as without compression")
def _():
    faults_are_named(faulty_with_compression)


@test("Stoa's fan-out passes in TLS, the certificate checked or not")
def _():
    with running_stoa("BROADCAST", tls=True) as url:
        for more in ((), ("--ca", CERTIFICATE)):
            status, report = bench("fanout", url, "-c", 20, "-s", 8, "-w", 4, "-n", 100, *TYPED, *more)
            assert_right(status, report, 20 * 8 * 100)


@test("Stoa's fan-out passes compressed, small messages and large ones, in TLS and without")
def _():
    for tls in (False, True):
        with running_stoa("BROADCAST", tls, COMPRESSING) as url:
            for size in (150, 1024, 60000):
                status, report = bench("fanout", url, "-c", 10, "-w", 2, "-n", 20, "--size", size, "--deflate", *TYPED)
                assert_right(status, report, 10 * 10 * 20)
                assert report["inflated"] == report["deliveries"], report


@test("messages that Stoa does not compress pass too")
def _():
    with running_stoa("BROADCAST", settings=COMPRESSING) as url:
        status, report = bench("fanout", url, "-c", 10, "-n", 20, "--size", 64, "--deflate", *TYPED)
        assert_right(status, report, 10 * 10 * 20)
        assert report["inflated"] == 0, report


@test("full sockets lose nothing in TLS, compressed or not")
def _():
    """Megabytes on their way to each member do not fit into a socket: every way around a full one is taken."""
    for more in ((), ("--deflate",)):
        with running_stoa("BROADCAST", tls=True, settings=PATIENT) as url:
            status, report = bench("fanout", url, "-c", 6, "-w", 16, "-n", 48, "--size", 60000, *TYPED, *more)
            assert_right(status, report, 6 * 6 * 48)


@test("echoes pass in TLS and compressed, up to a megabyte")
def _():
    for tls in (False, True):
        settings = {**PATIENT, "server.limits.message_bytes_max": 1 << 20}
        with running_stoa("ECHO", tls, settings) as url:
            for size, count in ((200, 100), (1 << 20, 3)):
                for more in ((), ("--deflate",), ("--deflate", "--text")):
                    status, report = bench("echo", url, "-c", 4, "-w", 2, "-n", count, "--size", size, *more)
                    assert_right(status, report, 4 * count)


@test("idle connections in TLS stay open")
def _():
    with running_stoa("BROADCAST", tls=True) as url:
        assert_right(*bench("idle", url, "-c", 50, "-d", "100ms"), 0)


def fails_with(text, *arguments):
    done = stoa("bench", *arguments)
    assert text in done.stderr and done.returncode == 1 and not done.stdout, (done.stderr, done.returncode)


@test("a server that does not agree to compression is refused")
def _():
    with serving(FLOOR, "--mode", "batch") as (port, _):
        fails_with("did not agree to compression", "fanout", f"ws://127.0.0.1:{port}", "--deflate")


@test("a certificate that the given ones did not sign is refused with the reason")
def _():
    with running_stoa("BROADCAST", tls=True) as url:
        fails_with("TLS: self-signed certificate", "fanout", url, "--ca", OTHER)


@test("a certificate for another host is refused with the reason")
def _():
    with running_stoa("BROADCAST", tls=True) as url:
        fails_with("TLS: hostname mismatch", "fanout", url.replace("127.0.0.1", "localhost"), "--ca", CERTIFICATE)


@test("certificates that cannot be read are reported")
def _():
    fails_with("/nowhere", "fanout", "wss://127.0.0.1:1", "--ca", "/nowhere")


@test("a server that does not speak TLS is reported")
def _():
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        fails_with("TLS: wrong version number", "fanout", f"wss://127.0.0.1:{port}")


@test("a server that goes silent in the TLS handshake is reported at the deadline")
def _():
    with answering(None) as port:
        fails_with("no upgrade in time", "fanout", f"wss://127.0.0.1:{port}", "--connect-timeout", "200ms")


run()
