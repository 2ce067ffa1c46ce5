"""What every test of hostile input has around it: a server, and a bystander who must not notice anything.

    @hostile("a frame of that kind ends its sender with 1002", ECHO)
    def body(world): ...

Before the body the bystander chats and the server's descriptors are counted; after it the bystander chats again, the
count must come back, the bystander leaves, and the server must end with 0 and without a word from a sanitizer.
"""

import json
import os
import time

from chat_raw import greet
from server_process import DEADLINE_S, Server, wait_until
from tap import test
from ws_raw import BINARY, CLOSE, PING, PONG, TEXT, Peer, close_frame, frame

ECHO = "ECHO"
BROADCAST = "BROADCAST"
CHATROOM = "CHATROOM"
OFFICE = "OFFICE"
CHAT = b"\0\0\0\0"
# Of a chat message, as it is relayed.
FIELDS = {BROADCAST: ["message", "sender", "timestamp"], OFFICE: ["message", "sender", "timestamp"],
          CHATROOM: ["clientMsgId", "deleted", "editedMs", "epoch", "message", "offset", "reactions", "replyTo", "room",
                     "sender", "timestamp", "tsMs", "userId"]}
# So many turns in which the server takes nothing of a flood mean that it will not; the kernel's window opens in steps.
REFUSALS_MAX = 40


def round_trip(peer, number, heard=lambda payload: None):
    """A ping and its pong; what comes in between is shown to `heard`."""
    payload = b"round trip %d" % number
    peer.send(frame(PING, payload))
    while True:
        first, said = peer.read_frame()
        if first & 0x0F == PONG and said == payload:
            return
        assert first & 0x0F != CLOSE, f"it was closed: {said!r}"
        if first & 0x0F == PING:
            peer.send(frame(PONG, said))
        else:
            heard(said)


class Bystander:
    """A well-behaved client with one open session that sends messages to itself. It also receives what others send."""

    def __init__(self, program, port, source=None, wrap=None, headers=(), before=b""):
        self.program = program
        self.said = 0
        self.peer = Peer(port, source=source, wrap=wrap)
        self.peer.send(before)
        self.peer.upgrade(None if program == ECHO else "stoa.json", headers)
        if program == CHATROOM:
            greet(self.peer)
            self.peer.enter_room("stoa.json")

    def chat(self, count=1):
        """Send messages, and receive exactly these, in order."""
        texts = [f"bystander {self.said + i} 大家好 👋" for i in range(count)]
        self.said += count
        for text in texts:
            self._say(text)
        for text in texts:
            heard = self._hear()
            assert heard == text, f"the bystander hears {heard!r}, not {text!r}"

    def _say(self, text):
        if self.program == ECHO:
            self.peer.send(frame(TEXT, text.encode()))
        else:
            self.peer.send(frame(BINARY, CHAT + json.dumps({"message": text}).encode()))

    def _hear(self):
        while True:
            opcode, payload = self.peer.read_message()
            if self.program == ECHO:
                assert opcode == TEXT, f"opcode {opcode}"
                return payload.decode()
            assert opcode == BINARY, f"the bystander gets opcode {opcode}: {payload[:100]!r}"
            if payload[:4] != CHAT:
                continue  # the sign of life that the chat room sends to the silent
            message = json.loads(payload[4:])
            assert sorted(message) == FIELDS[self.program], message
            if message["message"].startswith("bystander "):
                return message["message"]

    def leave(self):
        self.peer.send(close_frame(1000, b"bye"))
        code = self.peer.read_close()
        assert code == 1000, f"the bystander's close is answered by {code}"
        self.peer.close()


class World:
    """The server and the bystander of one test, and the ways in."""

    def __init__(self, program, settings, limit_descriptors=None, wrap=None, source=None, headers=(), before=b""):
        self.program = program
        self.server = Server(os.environ[program], settings, limit_descriptors)
        self.peers = []
        try:
            self.bystander = Bystander(program, self.server.port, source, wrap, headers, before)
            self.bystander.chat(3)
            self.descriptors = self.server.descriptors()
        except BaseException:
            self.server.kill()
            raise

    def connect(self, **options):
        """A connection on which nothing was said yet. It is closed when the test ends."""
        peer = Peer(options.pop("port", self.server.port), **options)
        self.peers.append(peer)
        return peer

    def join(self, subprotocol=None, **options):
        """A connection that has been upgraded; in the chat it is a guest."""
        peer = self.connect()
        peer.upgrade(subprotocol, **options)
        if self.program == CHATROOM and subprotocol is not None:
            greet(peer, subprotocol)
        return peer

    def member(self, subprotocol):
        """A session in the chat's default room."""
        peer = self.join(subprotocol)
        peer.enter_room(subprotocol)
        return peer

    def attack(self, data, subprotocol=None, **options):
        """Upgrade, send the bytes, and let the bystander chat meanwhile."""
        peer = self.join(subprotocol, **options)
        peer.try_send(data)
        self.bystander.chat()
        return peer

    def expect_close(self, data, codes, subprotocol=None, **options):
        """The bytes end their sender, with one of the codes and nobody else."""
        peer = self.attack(data, subprotocol, **options)
        code = peer.read_close()
        codes = codes if isinstance(codes, tuple) else (codes,)
        assert code in codes, f"closed with {code}, not {codes}, for {data[:40]!r} ({len(data)} bytes)"
        peer.close()

    def expect_refusal(self, data, statuses):
        """The request is refused with one of the codes, and the server ends the connection."""
        peer = self.connect()
        answer = peer.ask(data)
        self.bystander.chat()
        statuses = statuses if isinstance(statuses, tuple) else (statuses,)
        assert answer.status in statuses, f"{answer.status}, not {statuses}, for {data[:120]!r} ({len(data)} bytes)"
        assert answer.headers.get("connection", "").startswith("close"), answer.head
        rest = peer.read_to_end()
        assert rest == b"", f"more than one answer to {data[:120]!r}: {rest[:200]!r}"
        peer.close()
        return answer

    def until(self, condition, what):
        """Let the bystander chat until the condition holds."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            self.bystander.chat()

    def watch(self, peer):
        """Let the bystander chat until something has come for the peer, or its end."""
        self.until(lambda: peer.has_input(0.02), "an answer")

    def flood(self, peer, chunk, count):
        """Send the chunk count times, as fast as the server takes it; the bystander chats meanwhile.

        Returns the bytes that were taken. Less than all when the server reads no more: a loop that serves the
        bystander has passed by the flood as often, and would have taken something. Or when it has ended the connection.
        """
        view = memoryview(chunk * count)
        taken = refused = 0
        while taken < len(view) and refused < REFUSALS_MAX:
            sent = peer.send_some(view[taken : taken + 262144])
            if sent is None:
                return taken
            taken += sent
            refused = 0 if sent else refused + 1
            if not sent or taken % 1048576 < sent:
                self.bystander.chat()
        return taken

    def finish(self):
        self.bystander.chat(3)
        for peer in self.peers:
            peer.close()
        self.until(lambda: self.server.descriptors() <= self.descriptors, "the descriptors to be given back")
        self.bystander.leave()
        wait_until(lambda: self.server.descriptors() < self.descriptors, "the bystander's descriptor to be given back")
        self.server.stop()

    def abandon(self):
        for peer in self.peers:
            peer.close()
        self.server.kill()
        for line in ["the end of the server's log:", *self.server.log[-3000:].splitlines()]:
            print("# " + line)


def hostile(name, program, settings=None, **options):
    def register(body):
        @test(name)
        def whole():
            world = World(program, settings or {}, **options)
            try:
                body(world)
                world.finish()
            except BaseException:
                world.abandon()
                raise

        return whole

    return register
