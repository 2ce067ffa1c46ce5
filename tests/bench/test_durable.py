"""bench/durable with a few clients: a lost connection, a killed server, and peers when they are installed."""

import json
import os
import subprocess

from tap import Skip, run, test

ROOT, BUILD = os.environ["ROOT"], os.environ["BUILD"]


def figures(script, *options):
    done = subprocess.run([os.path.join(ROOT, "bench/durable", script), "--build", BUILD, "--json", *options],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@test("all clients of Stoa see all messages, though each loses its connection and the server is killed")
def drops():
    for each in figures("drops", "--clients", "30", "--seconds", "4", "--servers", "stoa"):
        assert each["published"] == each["seen_by_all"] > 100 and each["missing"] == 0, each
        assert each["losses"] >= 30 and each["replays"] > 0, each


@test("a plain server's clients miss messages, and the measurement finds it")
def plain():
    if not os.path.exists(os.path.join(ROOT, "bench/durable/node_modules/ws")):
        raise Skip("bench/durable/drops installs the packages of other servers when it measures them")
    each, = figures("drops", "--clients", "30", "--seconds", "4", "--servers", "ws", "--restart", "no")
    assert each["published"] > 100 and each["seen_by_all"] < each["published"] and each["missing"] > 0, each


@test("after a restart all clients are back, with either way to try again, and nothing is lost")
def storm():
    for each in figures("storm", "--clients", "60", "--seconds", "8", "--rate", "20"):
        assert each["back_s"] is not None and each["back_s"] > 0 and each["cpu_s"] >= 0, each
        assert each["published"] == each["seen_by_all"] > 100 and each["joined"] == 61, each


run()
