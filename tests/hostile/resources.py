"""One address that takes all connections, and sessions that cost nothing (rows 21, and F18 in small)."""

from tap import run
from world import CHATROOM, ECHO, hostile
from ws_raw import CLOSE, PING, PONG, TEXT, Ended, Peer, frame, request

CAP = {"server.limits.limit_loopback": True, "server.limits.address_sessions_max": 20}
ANOTHER_ADDRESS = "127.0.0.7"


def closed_or_refused(peer):
    """The close code, or None when the connection was ended without a word."""
    try:
        peer.upgrade("stoa.json")
        return peer.read_close()
    except (Ended, ConnectionError):
        return None


@hostile("one address gets its limit of sessions, and the next one is refused with the reason",
         CHATROOM, CAP, source=ANOTHER_ADDRESS)
def sessions(world):
    for _ in range(20):
        world.join("stoa.json")
    for _ in range(5):
        peer = world.connect()
        code = closed_or_refused(peer)
        assert code == 4014, f"{code}, not 4504"
        world.bystander.chat()
        peer.close()
    # A place that gets free can be taken again.
    world.peers.pop().close()
    world.until(lambda: joins(world), "a place")


def joins(world):
    with Peer(world.server.port) as peer:
        try:
            peer.upgrade("stoa.json")
            peer.send(frame(PING, b"in?"))
            while True:
                first, payload = peer.read_frame()
                if first & 0x0F == CLOSE:
                    return False
                if first & 0x0F == PONG and payload == b"in?":
                    return True
        except (Ended, ConnectionError):
            return False


@hostile("a thousand idle connections of one address are cut down to its limit",
         CHATROOM, CAP, source=ANOTHER_ADDRESS)
def idle(world):
    peers = [world.connect() for _ in range(1000)]
    world.bystander.chat(3)
    world.until(lambda: world.server.sockets() < 100, "the rest to be cut")
    # Another address is not affected.
    other = Peer(world.server.port, source="127.0.0.8")
    other.upgrade("stoa.json")
    other.close()
    # All that were cut know it.
    world.until(lambda: sum(peer.has_input() for peer in peers) >= 900, "the clients to hear of it")


@hostile("a full server says so, and accepts others when sessions end", CHATROOM,
         {"server.limits.sessions_max": 10})
def full(world):
    for _ in range(9):
        world.join("stoa.json")
    for _ in range(5):
        with Peer(world.server.port) as peer:
            assert closed_or_refused(peer) == 4014
        world.bystander.chat()
    for peer in world.peers[:5]:
        peer.close()
    world.until(lambda: joins(world), "a place")


@hostile("two thousand idle sessions hold little memory, and give it back", ECHO)
def idle_sessions(world):
    before = world.server.resident_bytes()
    for _ in range(2000):
        world.join()
    world.bystander.chat(3)
    grown = world.server.resident_bytes() - before
    # The sanitizers' own share included; the program alone needs a hundredth of it.
    assert grown < 2000 * 16384, f"{grown // 2000} bytes a session"
    for peer in world.peers:
        peer.close()
    world.until(lambda: world.server.descriptors() <= world.descriptors, "the descriptors")


@hostile("thousands of connections one after the other leak nothing", ECHO)
def turnover(world):
    def visit():
        with Peer(world.server.port) as peer:
            peer.send(request() + frame(TEXT, b"x" * 1000) + frame(CLOSE, b"\x03\xe8"))
            peer.read_answer()
            assert peer.read_message() == (TEXT, b"x" * 1000)
            assert peer.read_close() == 1000

    for _ in range(300):
        visit()
    before = world.server.resident_bytes()
    for number in range(2000):
        visit()
        if number % 100 == 0:
            world.bystander.chat()
    assert world.server.resident_bytes() < before + 8 * 1048576


run()
