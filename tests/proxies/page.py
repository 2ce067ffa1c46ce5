"""docs/deploying.md shows what is tried here: each of its configurations is that of a way, but for what tests need."""

import os
import re
import subprocess
import tempfile

import ways
from behind import PROXY_ADDRESS, Place
from tap import run, test

FOLDER = "/etc/stoa"
# What makes one process of it that ends with its test, and listens where others may too.
FOR_TESTS = re.compile(
    r"daemon|master_process|pid|error_log|access_log|events|worker_connections|\w+_temp_path|http$|proxy_bind"
    r"|global|maxconn|stats socket")


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
    return directives(text.replace(f" source {PROXY_ADDRESS}", "").replace(" inter 100ms", ""), ends)


def compare(language, ends):
    tried = [configured(way, ends) for way in [*ways.ALL, ways.FORWARDED, ways.HAPROXY_CHECKED]]
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


@test("each configuration of the server on the page is one that it takes")
def server():
    shown = blocks("yaml")
    assert shown
    for block in shown:
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            file.write(block)
            file.flush()
            done = subprocess.run([os.environ["CHATROOM"], "-c", file.name, "--check-config"], stdin=subprocess.DEVNULL,
                                  cwd=os.path.join(os.environ["WEB_ROOT"], "..", ".."), capture_output=True, text=True,
                                  check=False)
            assert done.returncode == 0, block + done.stderr


run()
