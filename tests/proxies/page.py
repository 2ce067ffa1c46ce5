"""docs/deploying.md shows what is tried here: each of its configurations is that of a way, but for what tests need."""

import os
import re
import shutil
import subprocess
import tempfile

import ways
from behind import PROXY_ADDRESS, Place
from server_process import Server
from tap import Skip, run, test
from ws_raw import Peer

FOLDER = "/etc/stoa"
# What makes one process of it that ends with its test, and listens where others may too.
FOR_TESTS = re.compile(
    r"daemon|master_process|pid|error_log|access_log|events|worker_connections|\w+_temp_path|http$|proxy_bind"
    r"|global|maxconn|stats socket|admin off|auto_https")


def blocks(language):
    with open(os.environ["PAGE"], encoding="utf-8") as file:
        return re.findall(rf"^```{language}\n(.*?)^```", file.read(), re.MULTILINE | re.DOTALL)


def directives(text, ends):
    parts = (" ".join(part.split()) for part in re.split(ends, text))
    return sorted(part for part in parts if part and not FOR_TESTS.match(part))


def configured(way, ends):
    """What the way's configuration says, with the ports and places of the page."""
    with tempfile.TemporaryDirectory() as folder:
        certificate = key = None
        if way.tls:
            certificate, key = (os.path.join(folder, name) for name in ("certificate.pem", "key.pem"))
            for path in (certificate, key):
                with open(path, "w", encoding="ascii"):
                    pass
        text = way.configure(Place(folder, 443 if way.tls else 80, 7700, certificate, key)).replace(folder, FOLDER)
    text = text.replace("listen 127.0.0.1:", "listen ").replace("bind 127.0.0.1:", "bind :")
    # Caddy gets a certificate for a name by itself; in a test there is one for the address.
    text = re.sub(r"https?://127.0.0.1:(80|443) ", "chat.example.org ", text)
    text = re.sub(r"\n  tls \S+ \S+\n", "\n", text)
    return directives(text.replace(f" source {PROXY_ADDRESS}", "").replace(" inter 100ms", ""), ends)


def compare(language, ends):
    tried = [configured(way, ends) for way in [*ways.ALL, ways.FORWARDED, ways.HAPROXY_CHECKED, *ways.IN_FOLDER]]
    shown = blocks(language)
    assert shown
    for block in shown:
        assert directives(block, ends) in tried, block


@test("each configuration of nginx on the page is one that is tried")
def nginx():
    compare("nginx", r"[;{}]")


@test("each configuration of haproxy on the page is one that is tried")
def haproxy():
    compare("haproxy", r"\n")


@test("each configuration of Caddy on the page is one that is tried")
def caddy():
    compare("caddy", r"[\n{}]")


@test("promtool takes each configuration of Prometheus on the page")
def prometheus():
    if shutil.which("promtool") is None:
        raise Skip("promtool is not installed (package prometheus)")
    shown = [block for block in blocks("yml") if block.startswith("scrape_configs:")]
    assert shown
    for block in shown:
        with tempfile.TemporaryDirectory() as folder:
            key, path = os.path.join(folder, "stoa.key"), os.path.join(folder, "prometheus.yml")
            for name, text in ((key, "k" * 32), (path, block.replace("/etc/prometheus/stoa.key", key))):
                with open(name, "w", encoding="utf-8") as file:
                    file.write(text)
            done = subprocess.run(["promtool", "check", "config", path], stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, check=False)
            assert done.returncode == 0 and "SUCCESS" in done.stdout, block + done.stdout + done.stderr


def ask(port, target, fields):
    with Peer(port) as peer:
        peer.send("\r\n".join([f"GET {target} HTTP/1.1", *fields, "Connection: close", "", ""]).encode())
        return peer.read_answer()


@test("the probes and Prometheus on the page get what they ask for, from a pod's address and with the key")
def probes():
    key = "0123456789abcdef0123456789abcdef"
    server = Server(os.environ["CHATROOM"], {"server.admin.address": "0.0.0.0:0", "server.admin.key": key})
    try:
        paths = re.findall(r"httpGet: {path: (\S+), port: 8800}", "".join(blocks("yml")))
        assert paths == ["/healthz", "/readyz"], paths
        for path in paths:
            answer = ask(server.ports[-1], path, ["Host: 10.1.2.3:8800", "User-Agent: kube-probe/1.27"])
            assert answer.status == 200, path
        answer = ask(server.ports[-1], "/metrics", ["Host: 10.0.0.7:8800", f"Authorization: Bearer {key}"])
        assert answer.status == 200 and b"stoa_sessions " in answer.body, answer.head
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8", answer.head
        fields = ["Host: 10.0.0.7:8800", f"Authorization: Bearer {key}",
                  "Accept: application/openmetrics-text;version=1.0.0,"
                  "application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"]
        answer = ask(server.ports[-1], "/metrics", fields)
        assert answer.headers["content-type"].startswith("application/openmetrics-text"), answer.head
        assert answer.body.endswith(b"# EOF\n"), answer.body[-100:]
        assert ask(server.ports[-1], "/metrics", ["Host: 10.0.0.7:8800"]).status == 401
        server.stop()
    finally:
        server.kill()


@test("each configuration of the server on the page is one that it takes")
def server():
    shown = blocks("yaml")
    assert shown
    for block in shown:
        with (tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file,
              tempfile.NamedTemporaryFile("w", encoding="ascii") as key):
            key.write("k" * 32)
            key.flush()
            file.write(block.replace("/etc/stoa/admin.key", key.name))
            file.flush()
            done = subprocess.run([os.environ["CHATROOM"], "-c", file.name, "--check-config"], stdin=subprocess.DEVNULL,
                                  cwd=os.path.join(os.environ["WEB_ROOT"], "..", "..", ".."), capture_output=True, text=True,
                                  check=False)
            assert done.returncode == 0, block + done.stderr


run()
