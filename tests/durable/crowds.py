"""Many clients at once: a drain while a thousand send (F15), a reader that stops, and clocks that jump (F14)."""

import json
import os
import signal
import socket

from crowd import Posters, read_back, start
from feed_client import FeedClient, read_database
from judge import judge
from ports import ReservedPort
from server_process import DEADLINE_S, wait_until
from stage import sanitizers_beside, serving, temporary_folder
from tap import Skip, run, test
from ws_raw import CLOSE, Ended, frame

CLIENTS = 1000
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
DAY_US = 86400 * 1000000


def refuses(port):
    try:
        socket.create_connection(("127.0.0.1", port), DEADLINE_S).close()
    except ConnectionRefusedError:
        return True
    except ConnectionError:
        pass  # it was still in the queue of the listener that was closed
    return False


# F15

def drain_while_they_send(port, folder, posters):
    """The events until a server that got SIGTERM has ended."""
    server = start(port, folder, settings={"server.drain_ms": 6000})
    try:
        wait_until(lambda: posters.count("followed") >= CLIENTS and posters.count("acked") >= 3 * CLIENTS,
                   "a thousand clients that send")
        server.signal(signal.SIGTERM)
        server.wait_for_log("draining")
        wait_until(lambda: refuses(port), "a closed listener")
        assert server.sockets() > CLIENTS // 10, "the listener was open until the end"
        server.check_end()
    finally:
        server.kill()
    return posters.events()


@test("SIGTERM while a thousand clients send: the listener closes at once, and what was acknowledged is stored")
def drain():
    with temporary_folder() as folder, ReservedPort() as port:
        posters = Posters("c", port, folder, CLIENTS, 1, ["100"])
        try:
            before = drain_while_they_send(port, folder, posters)
            stored = read_database(os.path.join(folder, "data"))
            places = {identity: offset for _, rows in stored.values() for offset, _, identity in rows}
            acked = {event["id"]: event["offset"] for event in before if event["event"] == "acked"}
            lost = [identity for identity, offset in acked.items() if places.get(identity) != offset]
            assert acked and not lost, f"{len(lost)} of {len(acked)} lost: {lost[:5]}"
            codes = [event["code"] for event in before if event["event"] == "ended"]
            assert codes.count(4001) > CLIENTS // 2, {code: codes.count(code) for code in set(codes)}
            # All of them come back to the next server, with their positions.
            server = start(port, folder)
            try:
                posters.finish()
                events = posters.wait()
                server.stop()
            finally:
                server.kill()
            counts = judge(read_back(port, folder, {event["room"] for event in events}), events)
            assert counts["acked"] > len(acked), counts
        finally:
            posters.kill()


# A slow reader

def stop_reading(port):
    """A follower whose kernel takes little; the follower and its position."""
    follower = FeedClient(port, receive_buffer=4096)
    position = follower.follow("feed-0")
    return follower, int(position["epoch"]), int(position["offset"])


def send_until_closed(server, publisher):
    """Posts to feed-0, until the server has closed a session with 4008; {id: offset}."""
    acked = {}
    # Fewer than a recovery may give: 1000 posts, 512 KiB.
    for number in range(1, 250):
        acked[f"ann-{number}"] = publisher.send("feed-0", f"ann-{number}", f"ann-{number} " + "x" * 2000)
        if any("code=4008" in line for line in server.lines):
            return acked
    server.wait_for_log("code=4008")
    return acked


def read_to_end(follower):
    """The offsets of posts that were on their way. The close frame comes after them, if the server still waits."""
    offsets = []
    try:
        while True:
            first, payload = follower.peer.read_frame()
            if first & 0x0F == CLOSE:
                assert int.from_bytes(payload[:2], "big") == 4008, payload
                return offsets
            offsets.append(int(json.loads(payload[4:])["offset"]))
    except Ended:
        return offsets


def write_queue_limit(path, bytes_max):
    with open(path, "w", encoding="ascii") as file:
        file.write(f"server:\n  limits:\n    send_queue_bytes_max: {bytes_max}\n")


@test("a stopped reader in a room of a thousand slows nobody, is closed with 4008, and recovers all it missed")
def stopped_reader():
    with temporary_folder() as folder, ReservedPort() as port:
        file = os.path.join(folder, "feed.yaml")
        write_queue_limit(file, 65536)
        server = start(port, folder, options=("-c", file))
        members = Posters("c", port, folder, CLIENTS - 1, 1, ["0"])
        try:
            wait_until(lambda: members.count("followed") == CLIENTS - 1, "a room of a thousand")
            with FeedClient(port) as publisher:
                first = publisher.send("feed-0", "ann-0")
                stopped, epoch, offset = stop_reading(port)
                assert offset == first and epoch != 0
                acked = send_until_closed(server, publisher)
            wait_until(lambda: members.count("received") >= (CLIENTS - 1) * (len(acked) + 1), "posts for all others")
            assert members.count("ended") == 0, "others were closed too"
            read = read_to_end(stopped)
            stopped.close()
            assert read == list(acked.values())[: len(read)] and 0 < len(read) < len(acked), read
            # It misses more than its queue had: a recovery must fit into that, so now the queue is longer.
            write_queue_limit(file, 1 << 20)
            server.signal(signal.SIGHUP)
            server.wait_for_log("configuration reloaded")
            with FeedClient(port) as again:
                assert again.follow("feed-0", epoch, read[-1])["recovered"]
                missed = list(acked.values())[len(read) :]
                assert [int(again.take_post()["offset"]) for _ in missed] == missed
                again.ping()
                assert again.posts == []
            members.finish()
            members.wait()
            server.stop()
        finally:
            members.kill()
            server.kill()


# F14

class Clock:
    """The wall clock of a server, which jumps; its monotonic one goes on."""

    def __init__(self, folder):
        if not os.path.exists(FAKETIME):
            raise Skip("libfaketime is not installed (package faketime)")
        self.path = os.path.join(folder, "clock")
        self.jump("+0")
        self.variables = {
            "LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": self.path, "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", **sanitizers_beside("verify_asan_link_order=0")}

    def jump(self, offset):
        with open(self.path + ".new", "w", encoding="ascii") as file:
            file.write(offset + "\n")
        os.rename(self.path + ".new", self.path)


def wait_for_pings(client, count):
    """Pings of the server, which its monotonic clock makes due; it must not take the session for dead."""
    for _ in range(count):
        while True:
            first, payload = client.peer.read_frame()
            assert first & 0x0F != CLOSE, payload
            if first & 0x0F == 0x9:
                client.peer.send(frame(0xA, payload))
                break


@test("when the wall clock jumps by days, posts keep their order, times never decrease, and timers go on")
def jumping_clock():
    with temporary_folder() as folder:
        clock = Clock(folder)
        settings = {"server.ping_interval_ms": 200}
        with serving(os.path.join(folder, "data"), settings, variables=clock.variables) as server:
            with FeedClient(server.port) as ann, FeedClient(server.port) as ben:
                ben.follow("feed-0")
                times, offsets = [], []
                for number, offset in enumerate(("+0", "+2d", "-2d", "+5d", "-5d", "+0"), 1):
                    clock.jump(offset)
                    offsets.append(ann.send("feed-0", f"ann-{number}"))
                    post = ben.take_post()
                    assert (post["id"], int(post["offset"])) == (f"ann-{number}", offsets[-1]), post
                    times.append(int(post["timeUs"]))
                    wait_for_pings(ben, 2)
                assert offsets == sorted(set(offsets)) and times == sorted(times), (offsets, times)
                assert times[1] - times[0] > DAY_US, f"the clock has not jumped: {times}"
                assert [message.offset for message in ann.read("feed-0")[1]] == offsets


run()
