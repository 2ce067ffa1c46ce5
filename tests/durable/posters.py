"""As posters.c, by Python's `websockets`: posters.py URL PREFIX COUNT SEED LOG"""

import asyncio
import json
import random
import sys

import websockets

WINDOW = 16
TICK_S = 0.01
CALL, ERROR = 0x80000000, 0x40000000
POST, FOLLOW, SEND = 0, 1, 2


class Events:
    def __init__(self, path):
        self.file = open(path, "w", encoding="ascii")  # pylint: disable=consider-using-with  # until the end

    def write(self, poster, event, **rest):
        line = {"client": poster.name, "event": event, "room": poster.room, **rest}
        self.file.write(json.dumps(line, separators=(",", ":")) + "\n")


class Poster:
    def __init__(self, url, name, room, chance, events, ending):
        self.url, self.name, self.room = url, name, room
        self.chance, self.events, self.ending = chance, events, ending
        self.epoch = self.offset = 0
        self.created = self.acked = 0
        self.done = set()
        self.calls = {}
        self.reset()

    def reset(self):
        self.next = self.acked + 1
        self.has_failed = self.is_following = False
        self.calls.clear()

    def permille(self, number):
        return self.chance.random() * 1000 < number

    def is_done(self):
        return self.acked == self.created

    async def pause(self, ticks):
        """For so many ticks, or until the end begins."""
        try:
            await asyncio.wait_for(self.ending.wait(), ticks * TICK_S)
            await asyncio.wait_for(asyncio.Event().wait(), TICK_S)
        except asyncio.TimeoutError:
            pass

    async def run(self):
        while not (self.ending.is_set() and self.is_done()):
            try:
                await self.visit()
            except (OSError, websockets.exceptions.WebSocketException, asyncio.TimeoutError):
                pass
            self.events.write(self, "ended")
            await self.pause(self.chance.randrange(1, 30))

    async def visit(self):
        async with websockets.connect(
                self.url, subprotocols=["stoa.json"], ping_interval=None, close_timeout=1, open_timeout=10) as line:
            self.reset()
            await self.call(line, FOLLOW, 0, {"feed": self.room, "epoch": str(self.epoch), "offset": str(self.offset)})
            self.events.write(self, "asked", epoch=self.epoch, offset=self.offset)
            reading = asyncio.ensure_future(self.read(line))
            try:
                await self.write(line, reading)
            finally:
                reading.cancel()
                if self.permille(500):
                    line.transport.abort()

    async def read(self, line):
        async for frame in line:
            self.on_frame(frame)
            if self.has_failed and not self.is_following:
                return

    async def write(self, line, reading):
        while not reading.done() and not (self.ending.is_set() and self.is_done()):
            if self.is_following:
                if not self.ending.is_set() and self.permille(6):
                    self.events.write(self, "left")
                    return
                await self.send_some(line)
            await asyncio.wait([reading], timeout=TICK_S)

    async def call(self, line, kind, number, payload):
        self.calls[number] = kind
        await line.send((CALL | kind).to_bytes(4, "big") + number.to_bytes(4, "big") + json.dumps(payload).encode())

    def on_frame(self, frame):
        word = int.from_bytes(frame[:4], "big")
        if word & CALL:
            self.on_answer(int.from_bytes(frame[4:8], "big"), bool(word & ERROR), json.loads(frame[8:]))
        elif word == POST:
            post = json.loads(frame[4:])
            self.events.write(self, "received", offset=post["offset"], text=post["text"])
            self.epoch, self.offset = int(post["epoch"]), int(post["offset"])

    def on_answer(self, number, is_error, payload):
        kind = self.calls.pop(number)
        if kind == FOLLOW:
            self.on_followed(is_error, payload)
        elif is_error:
            self.events.write(self, "failed", id=f"{self.name}-{number}", reason=payload.get("reason"))
            self.has_failed = True
        else:
            self.events.write(self, "acked", id=f"{self.name}-{number}", offset=payload["offset"])
            self.done.add(number)
            while self.acked + 1 in self.done:
                self.acked += 1
                self.done.remove(self.acked)

    def on_followed(self, is_error, reply):
        if is_error:
            self.events.write(self, "refused")
            self.has_failed = True
            return
        self.events.write(self, "followed", recovered=reply["recovered"], epoch=reply["epoch"], offset=reply["offset"],
                          page=[[post["offset"], post["text"]] for post in reply["posts"]])
        if not reply["recovered"]:
            self.epoch, self.offset = int(reply["epoch"]), int(reply["offset"])
        self.is_following = True

    async def send_some(self, line):
        if self.has_failed and not self.calls:
            self.has_failed = False
            self.next = self.acked + 1
        for _ in range(4):
            is_new = self.next > self.created
            if self.has_failed or self.next > self.acked + WINDOW:
                return
            if is_new and (self.ending.is_set() or not self.permille(250)):
                return
            self.created = max(self.created, self.next)
            number, self.next = self.next, self.next + 1
            if number not in self.done:
                identity = f"{self.name}-{number}"
                self.events.write(self, "sent", id=identity)
                text = f"{identity} {'y' * (number * 37 % 150)}"
                await self.call(line, SEND, number,
                                {"feed": self.room, "text": text, "author": self.name, "id": identity})


async def main(url, prefix, count, seed, log):
    events, ending = Events(log), asyncio.Event()
    asyncio.get_running_loop().run_in_executor(None, sys.stdin.read).add_done_callback(lambda _: ending.set())
    posters = [
        Poster(url, f"{prefix}{number}", f"feed-{number % 2}", random.Random(f"{seed} {number}"), events, ending)
        for number in range(int(count))
    ]
    await asyncio.gather(*(poster.run() for poster in posters))
    events.file.close()


asyncio.run(main(*sys.argv[1:]))
