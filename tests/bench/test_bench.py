"""`stoa bench` from the outside: right servers pass, each kind of wrong one fails and is named.

Speaks TAP. Runs are bounded by messages, never by time; the one time that is waited for is the silence after which what
is missing counts as lost.
"""

import contextlib
import os
import socket
import subprocess
import tempfile

from running import FAULTY, FLOOR, Skipped, answering, assert_right, bench, forwarding, serving, stoa

TESTS = []


def test(function):
    TESTS.append(function)
    return function


def fan_out_passes(mode, *arguments):
    with serving(FLOOR, "--mode", mode) as (port, _):
        status, report = bench("fanout", port, "-c", 20, "-s", 8, "-w", 4, "-n", 100, *arguments)
        assert_right(status, report, 20 * 8 * 100)


@test
def one_send_for_each_message_passes():
    fan_out_passes("each")


@test
def one_send_for_each_turn_passes():
    fan_out_passes("batch", "--prefix", "00000000")


@test
def sends_through_io_uring_pass():
    fan_out_passes("uring", "--text")


def slow_members_lose_nothing(mode):
    """Fifteen megabytes on their way to each member do not fit into a socket: every way around a full one is taken."""
    with serving(FLOOR, "--mode", mode) as (port, _):
        status, report = bench("fanout", port, "-c", 8, "-w", 32, "-n", 96, "--size", 60000)
        assert_right(status, report, 8 * 8 * 96)


@test
def full_sockets_lose_nothing_with_one_send_each():
    slow_members_lose_nothing("each")


@test
def full_sockets_lose_nothing_with_one_send_a_turn():
    slow_members_lose_nothing("batch")


@test
def full_sockets_lose_nothing_with_io_uring():
    slow_members_lose_nothing("uring")


@test
def a_rate_is_kept_and_every_message_delivered():
    with serving(FLOOR, "--mode", "batch") as (port, _):
        status, report = bench("fanout", port, "-c", 30, "-s", 4, "-r", 2000, "-n", 50)
        assert_right(status, report, 30 * 4 * 50)
        assert report["window_s"] >= 199 / 2000, report


@test
def a_run_bounded_by_time_measures():
    with serving(FLOOR, "--mode", "batch") as (port, pid):
        status, report = bench("fanout", port, "-c", 4, "-d", "200ms", "--warmup", "50ms", "-p", pid)
        assert report["deliveries"] > 0, report
        assert report["latency_p50_us"] <= report["latency_p99_us"] <= report["latency_p999_us"], report
        assert report["server_cpu_us_per_delivery"] > 0 and report["server_cpu_us_per_handshake"] > 0, report
        assert_right(status, report, report["deliveries"])


@test
def echoes_pass():
    with serving(FLOOR, "--mode", "echo") as (port, _):
        status, report = bench("echo", port, "-c", 10, "-w", 16, "-n", 200, "--size", 128)
        assert_right(status, report, 10 * 200)


@test
def echoes_of_16_mib_pass():
    with serving(FLOOR, "--mode", "echo") as (port, _):
        status, report = bench("echo", port, "-c", 2, "-w", 1, "-n", 2, "--size", "16m", "--drain", "60s")
        assert_right(status, report, 4)


@test
def idle_connections_stay_open_and_are_measured():
    with serving(FLOOR, "--mode", "batch") as (port, pid):
        status, report = bench("idle", port, "-c", 500, "-d", "100ms", "-p", pid)
        assert_right(status, report, 0)
        assert report["server_cpu_us_per_handshake"] > 0, report
        assert report["private_bytes_per_connection"] is not None, report


@test
def ipv6_and_unix_sockets_are_reached():
    with serving(FLOOR, "--mode", "batch") as (port, _), tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "socket")
        unix = socket.socket(socket.AF_UNIX)
        unix.bind(path)
        unix.listen(64)
        listeners = [(unix, f"ws+unix:{path}:/chat")]
        with contextlib.suppress(OSError):  # a machine may have no IPv6
            six = socket.create_server(("::1", 0), family=socket.AF_INET6)
            listeners.append((six, f"ws://[::1]:{six.getsockname()[1]}/chat"))
        for listener, url in listeners:
            with forwarding(listener, port):
                assert_right(*bench("fanout", url, "-c", 3, "-n", 20), 3 * 3 * 20)


def fault_is_named(fault, expected, *arguments, mode="fanout", server=()):
    with serving(FAULTY, "--fault", fault, *server) as (port, _):
        status, report = bench(mode, port, "-c", 3, "-w", 4, "-n", 50, "--drain", "500ms", *arguments)
        found = {name: count for name, count in report["faults"].items() if count}
        assert found == expected, report
        assert status == (1 if expected else 0) and report["passed"] == (not expected), report


@test
def the_faulty_server_without_a_fault_passes():
    fault_is_named("none", {})


@test
def a_dropped_message_is_lost():
    fault_is_named("drop", {"lost": 1})


@test
def a_doubled_message_is_named():
    fault_is_named("double", {"doubled": 1})


@test
def two_messages_of_a_sender_that_change_places_are_named():
    fault_is_named("reorder", {"out_of_order": 1})


@test
def two_messages_of_different_senders_that_change_places_are_named():
    fault_is_named("swap", {"disagreed": 1})


@test
def another_order_of_senders_passes_when_allowed():
    fault_is_named("swap", {}, "--any-order")


@test
def a_damaged_message_is_named():
    fault_is_named("damage", {"damaged": 1}, "--prefix", "00000000")


@test
def a_shortened_message_is_damaged_and_missing():
    fault_is_named("shorten", {"damaged": 1, "lost": 1})


@test
def a_foreign_message_is_damage():
    fault_is_named("foreign", {"damaged": 1})


@test
def a_foreign_message_passes_when_allowed():
    fault_is_named("foreign", {}, "--allow-foreign")


@test
def pings_are_answered():
    fault_is_named("ping", {})


@test
def a_connection_that_the_server_closes_is_named_with_its_code():
    with serving(FAULTY, "--fault", "close") as (port, _):
        status, report = bench("fanout", port, "-c", 3, "-w", 4, "-n", 50, "--drain", "500ms")
        assert report["faults"]["closed"] == 1 and report["close_code"] == 1011 and status == 1, report


@test
def an_echo_that_is_dropped_doubled_reordered_or_damaged_is_named():
    for fault, expected in (
        ("none", {}),
        ("drop", {"lost": 1}),
        ("double", {"doubled": 1}),
        ("reorder", {"out_of_order": 1}),
        ("damage", {"damaged": 1}),
    ):
        fault_is_named(fault, expected, mode="echo", server=("--echo",))


@test
def the_table_for_people_names_faults_too():
    with serving(FAULTY, "--fault", "double") as (port, _):
        done = stoa("bench", "fanout", f"ws://127.0.0.1:{port}", "-c", 3, "-w", 4, "-n", 50)
        assert "WRONG: doubled: 1 messages arrived twice" in done.stdout and done.returncode == 1, done.stdout


def fails_with(text, *arguments, status=1):
    done = stoa("bench", *arguments)
    assert text in done.stderr and done.returncode == status and not done.stdout, (done.stderr, done.returncode)


@test
def a_url_that_is_none_is_bad_usage():
    for url in ("ftp://x", "ws://", "ws://host:0/", "localhost:7700"):
        fails_with("expected ws://HOST:PORT/PATH", "fanout", url, status=2)


@test
def a_server_that_is_not_there_is_reported():
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    fails_with("Connection refused", "fanout", f"ws://127.0.0.1:{port}")


@test
def a_refused_upgrade_is_reported_with_its_status_line():
    with answering(b"HTTP/1.1 403 Forbidden\r\n\r\n") as port:
        fails_with("did not upgrade: HTTP/1.1 403 Forbidden", "fanout", f"ws://127.0.0.1:{port}")


@test
def an_upgrade_with_a_wrong_accept_is_reported():
    with answering(b"HTTP/1.1 101 X\r\nSec-WebSocket-Accept: x\r\n\r\n") as port:
        fails_with("Sec-WebSocket-Accept is wrong", "fanout", f"ws://127.0.0.1:{port}")


@test
def an_endless_head_is_reported():
    with answering(b"HTTP/1.1 101 X\r\n" + b"A: b\r\n" * 4000) as port:
        fails_with("longer than 16 KiB", "fanout", f"ws://127.0.0.1:{port}", "-c", 1)


@test
def silence_is_reported_at_the_deadline():
    with answering(None) as port:
        fails_with("no upgrade in time", "fanout", f"ws://127.0.0.1:{port}", "--connect-timeout", "200ms")


@test
def more_connections_than_descriptors_are_refused_with_the_limit():
    done = stoa("bench", "idle", "ws://127.0.0.1:1", "-c", 100, descriptors=50)
    assert "need 116 descriptors, and the limit of this process is 50" in done.stderr, done.stderr
    assert done.returncode == 1


@test
def a_process_that_is_not_there_is_reported():
    with serving(FLOOR, "--mode", "batch") as (port, _):
        fails_with("/proc/2147483646", "fanout", f"ws://127.0.0.1:{port}", "-p", 2147483646)


@test
def wrong_usage_has_exit_status_2():
    fails_with("not fanout, echo or idle", "shout", "ws://h", status=2)
    fails_with("expected MODE and URL", "fanout", status=2)
    assert stoa().returncode == 2
    assert stoa("nothing").returncode == 2


@test
def help_and_version_are_told():
    assert "usage: stoa COMMAND" in stoa("--help").stdout
    assert "usage: stoa bench MODE URL" in stoa("bench", "--help").stdout
    assert stoa("--version").stdout.startswith("stoa ")


def run(number, function):
    name = function.__name__.replace("_", " ")
    try:
        function()
    except Skipped as reason:
        print(f"ok {number} - {name} # SKIP {reason}", flush=True)
        return
    except (AssertionError, OSError, subprocess.TimeoutExpired, ValueError) as error:
        print(f"not ok {number} - {name}", flush=True)
        print(f"# {type(error).__name__}: {error}".replace("\n", "\n# "), flush=True)
        return
    print(f"ok {number} - {name}", flush=True)


print(f"1..{len(TESTS)}", flush=True)
for index, each_test in enumerate(TESTS, 1):
    run(index, each_test)
