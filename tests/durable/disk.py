"""Disks that are full, broken, slow or in use (F2 to F5, F22, F24)."""

import os
import re
import shutil
import sqlite3

from feed_client import FeedClient, Refused, database, read_database
from server_process import wait_until
from stage import (ADMIN, attempt, ext4, page, sanitizers_beside, serving, settings_of, syncs, temporary_folder, tmpfs,
                   wait_until_ready)
from tap import Skip, run, test

WITH_ADMIN = {ADMIN: "127.0.0.1:0"}
ROOM = "news"


def send_many(client, first, count):
    """{id: offset} of posts that are all acknowledged."""
    return {f"ann-{number}": client.send(ROOM, f"ann-{number}") for number in range(first, first + count)}


def must_refuse(client, identity, *reasons):
    """The error of a send that fails."""
    try:
        client.send(ROOM, identity, "x" * 3000)
    except Refused as refused:
        assert refused.reason in reasons, f"{refused.reason}, not {reasons}"
        assert refused.error["temporary"], refused.error
        assert refused.reason == "UNKNOWN" or refused.error["retryMs"] > 0, refused.error
        return refused
    raise AssertionError(f"{identity} was acknowledged")


def stored(client):
    return {message.id: message.offset for message in client.read(ROOM)[1]}


def received(follower, count):
    """{id: offset} of the next posts."""
    posts = [follower.take_post() for _ in range(count)]
    return {post["id"]: int(post["offset"]) for post in posts}


def must_have_nothing(follower):
    """What was sent to it before this, it has by now."""
    follower.ping()
    assert follower.posts == [], follower.posts


# F2

CALL_LINE = re.compile(r"^(\d+) +(pwrite64|fdatasync|fsync|sendto|sendmsg)\((.*)$")
RESUMED_LINE = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>")


def trace_of(path):
    """[(name, arguments, is_end), …]: the beginnings and ends of calls, as strace saw them."""
    calls, open_calls = [], {}
    with open(path, encoding="ascii", errors="replace") as file:
        for line in file:
            found, resumed = CALL_LINE.match(line), RESUMED_LINE.match(line)
            if found:
                thread, name, arguments = found.groups()
                calls.append((name, arguments, False))
                if "<unfinished ...>" in arguments:
                    open_calls[thread, name] = arguments
                else:
                    calls.append((name, arguments, True))
            elif resumed and resumed.groups() in open_calls:
                calls.append((resumed[2], open_calls.pop(resumed.groups()), True))
    return calls


def in_hex(data):
    return "".join(f"\\x{byte:02x}" for byte in data)


def sent_unsynced(calls, count):
    """Of posts 1 to count, one sent after the other: those whose push or reply was sent while a row was not synced."""
    awaited, is_synced, has_written, unsynced = 1, True, False, set()
    for name, arguments, is_end in calls:
        if name == "pwrite64" and "rooms.db-wal" in arguments and not is_end:
            is_synced, has_written = False, True
        elif name in ("fdatasync", "fsync") and "rooms.db-wal" in arguments and is_end:
            is_synced = True
        elif name.startswith("send") and not is_end and awaited <= count:
            is_reply = in_hex((0x80, 0, 0, 2, 0, 0, 0, awaited + 1)) in arguments
            if is_reply or in_hex(f'"ann-{awaited} text"'.encode()) in arguments:
                assert has_written, f"post {awaited} was sent, and no row was written since the one before"
                unsynced |= set() if is_synced else {awaited}
            if is_reply:
                awaited, has_written = awaited + 1, False
    assert awaited == count + 1, f"strace saw {awaited - 1} of {count} replies"
    return len(unsynced)


def count_unsynced(durability):
    if shutil.which("strace") is None:
        raise Skip("strace is not installed")
    count = 20
    with temporary_folder() as folder:
        trace = os.path.join(folder, "trace")
        # -D: the server stays the child of the test. Leaks cannot be searched for in a process that is traced.
        launcher = ("strace", "-D", "-f", "-y", "-x", "-s", "256", "-o", trace, "-e",
                    "trace=pwrite64,fdatasync,fsync,sendto,sendmsg")
        settings = settings_of(folder, {"server.io_uring": "off", "rooms.engine.local.durability": durability})
        started = attempt(folder, settings, "FEED", launcher=launcher, variables=sanitizers_beside("detect_leaks=0"))
        try:
            if not started.is_serving and "ptrace" in started.log:
                raise Skip("strace may not trace here: " + started.log.strip())
            with FeedClient(started.port) as client:
                client.follow(ROOM)
                for number in range(1, count + 1):
                    client.send(ROOM, f"ann-{number}")
            started.stop()
        finally:
            started.kill()
        wait_until(lambda: "exited with" in open(trace, encoding="ascii", errors="replace").read()[-200:],
                   "the end of the trace")
        return sent_unsynced(trace_of(trace), count), count


@test("with durability full, each row is synced before it is sent to anybody, or acknowledged")
def full_syncs():
    unsynced, count = count_unsynced("full")
    assert unsynced == 0, f"{unsynced} of {count} posts left before the sync"


@test("with durability normal, no post waits for a sync")
def normal_does_not():
    unsynced, count = count_unsynced("normal")
    assert unsynced == count, f"only {unsynced} of {count} posts left before a sync"


# F3

def fill(folder):
    path = os.path.join(folder, "ballast")
    with open(path, "wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)) == 4096:
                pass
        except OSError:
            pass
    return path


def send_until_refused(client, number, acked):
    """Add what is acknowledged, until the disk is full; the number of the post that was refused."""
    for each in range(number, number + 2000):
        try:
            acked[f"ann-{each}"] = client.send(ROOM, f"ann-{each}", "x" * 3000)
        except Refused as refused:
            assert refused.reason == "UNAVAILABLE", refused
            return each
    raise AssertionError("the disk is never full")


@test("a full disk refuses posts, shows nothing, and lets others read; with space again it works without a restart")
def full_disk():
    with tmpfs("2m") as folder, serving(os.path.join(folder, "data"), WITH_ADMIN) as server:
        with FeedClient(server.port) as ann, FeedClient(server.port) as ben:
            ben.follow(ROOM)
            acked = send_many(ann, 1, 5)
            ballast = fill(folder)
            number = send_until_refused(ann, 6, acked)
            for again in range(number, number + 50):
                must_refuse(ann, f"ann-{again}", "UNAVAILABLE")
            assert received(ben, len(acked)) == acked
            must_have_nothing(ben)
            assert stored(ann) == acked
            first = min(acked.values())
            with FeedClient(server.port) as eve:
                followed = eve.follow(ROOM, eve.read(ROOM)[0], first)
                assert followed["recovered"] and len(received(eve, len(acked) - 1)) == len(acked) - 1
            status, text = page(server, "/readyz")
            assert status == 503 and "the disk is full" in text, (status, text)
            assert server.log.count("room storage cannot write") == 1, server.log
            os.unlink(ballast)
            acked[f"ann-{number}"] = ann.send(ROOM, f"ann-{number}")
            acked |= send_many(ann, number + 1, 5)
            wait_until_ready(server)
            assert received(ben, 6) == dict(list(acked.items())[-6:])
            must_have_nothing(ben)
            assert stored(ann) == acked


# F4

@test("a disk that becomes read-only refuses posts and lets others read; what was acknowledged is there afterwards")
def read_only_disk():
    with ext4() as disk:
        folder = os.path.join(disk.folder, "data")
        with serving(folder, WITH_ADMIN) as server:
            with FeedClient(server.port) as ann, FeedClient(server.port) as ben:
                ben.follow(ROOM)
                acked = send_many(ann, 1, 20)
                disk.abort()
                reasons = {must_refuse(ann, f"ann-{number}", "UNAVAILABLE", "UNKNOWN").reason
                           for number in range(21, 31)}
                assert reasons <= {"UNAVAILABLE", "UNKNOWN"}, reasons
                assert received(ben, 20) == acked
                must_have_nothing(ben)
                status, text = page(server, "/readyz")
                assert status == 503, (status, text)
                ann.ping()
        disk.repair()
        with serving(folder) as server, FeedClient(server.port) as ann:
            found = stored(ann)
            assert acked.items() <= found.items(), (acked, found)
            assert ann.send(ROOM, "ann-31") > max(acked.values())


@test("a server does not start on a read-only disk, and says why")
def read_only_start():
    with ext4() as disk:
        folder = os.path.join(disk.folder, "data")
        with serving(folder) as server, FeedClient(server.port) as ann:
            send_many(ann, 1, 3)
        disk.unmount()
        disk.mount("ro")
        started = attempt(folder)
        try:
            assert not started.is_serving, started.log
            assert database(folder) in started.refusal(), started.log
        finally:
            started.kill()


@test("a sync that fails once is not tried again: the answer is UNKNOWN, and only what is stored counts")
def failed_sync():
    with temporary_folder() as folder, syncs() as made:
        with serving(folder, WITH_ADMIN, variables=made.variables) as server:
            with FeedClient(server.port) as ann, FeedClient(server.port) as ben:
                ben.follow(ROOM)
                acked = send_many(ann, 1, 5)
                assert received(ben, 5) == acked
                made.fail_once()
                must_refuse(ann, "ann-6", "UNKNOWN")
                assert made.has_failed()
                server.wait_for_log("room storage works again")
                wait_until_ready(server)
                for number in range(6, 10):
                    acked[f"ann-{number}"] = ann.send(ROOM, f"ann-{number}")
                assert received(ben, 4) == {f"ann-{number}": acked[f"ann-{number}"] for number in range(6, 10)}
                must_have_nothing(ben)
                assert stored(ann) == acked


# F5

@test("while another process has the database locked, posts are refused, and nobody else waits")
def locked():
    with temporary_folder() as folder, serving(folder, WITH_ADMIN) as server:
        with FeedClient(server.port) as ann, FeedClient(server.port) as ben:
            ben.follow(ROOM)
            acked = send_many(ann, 1, 3)
            received(ben, 3)
            other = sqlite3.connect(database(folder), isolation_level=None)
            try:
                other.execute("BEGIN EXCLUSIVE")
                for number in range(4, 7):
                    call = ann.begin_send(ROOM, f"ann-{number}")
                    for _ in range(200):
                        ben.ping()
                        with FeedClient(server.port) as eve:
                            eve.ping()
                        if ann.peer.has_input():
                            break
                    try:
                        raise AssertionError(f"acknowledged: {ann.end(call)}")
                    except Refused as refused:
                        assert refused.reason == "UNAVAILABLE" and refused.error["retryMs"] > 0, refused
                    assert stored(ben) == acked
                assert page(server, "/readyz")[0] == 503
                other.execute("ROLLBACK")
            finally:
                other.close()
            acked |= send_many(ann, 4, 3)
            assert list(received(ben, 3)) == ["ann-4", "ann-5", "ann-6"]
            assert stored(ann) == acked
            wait_until_ready(server)


# F22

@test("a second server on the same database ends with 1 and says why; the first one goes on")
def second_instance():
    with temporary_folder() as folder, serving(folder) as server, FeedClient(server.port) as ann:
        send_many(ann, 1, 3)
        for program in ("FEED", "JOURNAL"):
            second = attempt(folder, program=program)
            try:
                assert not second.is_serving, second.log
                assert "another process" in second.refusal() and database(folder) in second.log, second.log
            finally:
                second.kill()
        send_many(ann, 4, 3)
        assert len(read_database(folder)[ROOM][1]) == 6


# F24

def lag_above_a_second(server):
    """How many timers ran more than a second late."""
    counts = {}
    for line in page(server, "/metrics")[1].splitlines():
        found = re.match(r'stoa_loop_lag_seconds_bucket\{.*le="([^"]+)".*\} (\d+)', line)
        if found:
            counts[float(found[1].replace("+Inf", "inf"))] = counts.get(float(found[1].replace("+Inf", "inf")), 0) + int(
                found[2])
    assert counts, "no metric of the loop's lag"
    return counts[float("inf")] - max(count for bound, count in counts.items() if bound <= 1.1)


@test("while a sync does not end, everybody else is served, and publishers wait or are told BUSY")
def stalled_sync():
    with temporary_folder() as folder, syncs() as made:
        settings = {**WITH_ADMIN, "rooms.session_publishes_max": 4}
        with serving(folder, settings, variables=made.variables) as server:
            with FeedClient(server.port) as ann, FeedClient(server.port) as ben:
                ben.follow(ROOM)
                acked = send_many(ann, 1, 5)
                received(ben, 5)
                epoch = ben.read(ROOM)[0]
                with made.stopped():
                    calls = {number: ann.begin_send(ROOM, f"ann-{number}") for number in range(6, 10)}
                    made.wait_until_stopped()
                    must_refuse(ann, "ann-10", "BUSY")
                    for _ in range(100):
                        ben.ping()
                        with FeedClient(server.port) as eve:
                            followed = eve.follow(ROOM, epoch, min(acked.values()))
                            assert followed["recovered"] and len(received(eve, 4)) == 4
                    assert stored(ben) == acked
                    must_have_nothing(ben)
                    ann.ping()
                    assert not ann.replies, f"answered before the sync: {ann.replies}"
                    assert lag_above_a_second(server) == 0
                for number, call in calls.items():
                    acked[f"ann-{number}"] = int(ann.end(call)["offset"])
                acked["ann-10"] = ann.send(ROOM, "ann-10")
                assert list(received(ben, 5)) == [f"ann-{number}" for number in range(6, 11)]
                assert stored(ann) == acked


run()
