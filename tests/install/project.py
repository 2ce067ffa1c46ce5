"""A project of `stoa new`, made, run, called and tested with nothing but what is installed."""

import json
import os
import subprocess
import time
import urllib.request

from installation import fresh_folder, installed, run
from server_process import Server
from tap import test

MINUTE_S = 60


def path_variables():
    """What somebody sets who has the tool in PATH, and nothing else: no PKG_CONFIG_PATH, no LD_LIBRARY_PATH."""
    return {name: value for name, value in installed().env.items() if name != "PKG_CONFIG_PATH"}


def call(folder, *arguments):
    return run([installed().program("stoa"), "call", *arguments], folder, path_variables())


@test("a new project runs within a minute, and answers stoa call, an HTTP request and its page")
def new_project():
    begun = time.monotonic()
    folder = fresh_folder("new")
    run(["stoa", "new", "hello"], folder, path_variables())
    project = os.path.join(folder, "hello")
    server = Server(os.path.join(project, "dev"), options=["run"], variables=path_variables())
    try:
        url = f"http://127.0.0.1:{server.port}/"
        assert json.loads(call(project, url, "Greet", '{"name":"Ann"}')) == {"text": "Hello, Ann!"}
        with urllib.request.urlopen(url + "v1/greet/Bo%20Li", timeout=30) as answer:
            assert json.loads(answer.read()) == {"text": "Hello, Bo Li!"}
        assert time.monotonic() - begun < MINUTE_S
        with urllib.request.urlopen(url, timeout=30) as answer:
            assert b"<title>hello</title>" in answer.read()
        server.stop()
    finally:
        server.kill()


@test("its tests pass, its warnings are none, and its ./dev says what is missing")
def its_tests():
    folder = fresh_folder("tested")
    run(["stoa", "new", "tea_house"], folder, path_variables())
    project = os.path.join(folder, "tea_house")
    env = path_variables()
    out = run(["./dev", "test"], project, {**env, "CFLAGS": "-Werror -Wall -Wextra -Wshadow -Wconversion"})
    assert "3 subtests passed" in out, out
    assert "run [OPTION...]" in run(["./dev"], project, env)
    run(["./dev", "clean"], project, env)
    assert not os.path.exists(os.path.join(project, "build"))
    done = subprocess.run(["./dev", "build"], cwd=project, env={**env, "PATH": "/usr/sbin:/sbin"}, check=False,
                          capture_output=True, text=True)
    assert done.returncode == 1 and "is missing: install it" in done.stderr, done


@test("a file that proto add has made is built, and a program serves its call")
def proto_add():
    folder = fresh_folder("added")
    run(["stoa", "new", "hello"], folder, path_variables())
    project = os.path.join(folder, "hello")
    run(["./dev", "build"], project, path_variables())
    run(["stoa", "proto", "add", "hello/v1/other.proto"], project, path_variables())
    out = run(["./dev", "build"], project, path_variables())
    assert "hello_v1_other.stoa.c" in out, out
    run(["stoa", "proto", "gen"], project, path_variables())
    assert os.path.exists(os.path.join(project, "gen/hello/v1/other.stoa.ts"))
