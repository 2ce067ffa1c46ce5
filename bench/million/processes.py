"""Starts, commands and ends the server and client processes, each by its own handle."""

import asyncio
import contextlib
import json

END_DEADLINE_S = 60
LINE_BYTES_MAX = 1024 * 1024


class Fault(Exception):
    """A failure of a connection or a process; the text describes it."""


async def _start(*command, **pipes):
    """Start a process that the kernel ends when this one ends, for whatever reason."""
    return await asyncio.create_subprocess_exec(
        "setpriv", "--pdeathsig", "KILL", *command, stderr=asyncio.subprocess.STDOUT, stdout=asyncio.subprocess.PIPE,
        limit=LINE_BYTES_MAX, **pipes)


class Process:
    """Common part of servers and clients."""

    def __init__(self, process):
        self.process = process

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process.returncode is None

    async def line(self):
        """The next line of output, without its end; None at the end."""
        line = await self.process.stdout.readline()
        return line.decode(errors="replace").rstrip("\n") if line else None

    def signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            if self.alive():
                self.process.send_signal(number)

    async def ended(self):
        """Wait for its end; kill it after a deadline."""
        try:
            async with asyncio.timeout(END_DEADLINE_S):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


class Server(Process):
    """A server that shares its port with the others."""

    def __init__(self, process):
        super().__init__(process)
        self.said = []
        self.reader = None

    @staticmethod
    async def start(program, port, ping_interval):
        settings = {
            "server.addresses": [f"127.0.0.1:{port}"],
            "server.admin.address": "off",
            "server.workers": 1,
            "server.reuse_port": True,
            "server.ping_interval_ms": ping_interval,
        }
        words = [word for key, value in settings.items() for word in ("--set", f"{key}={json.dumps(value)}")]
        return Server(await _start(program, *words, stdin=asyncio.subprocess.DEVNULL))

    async def listening(self):
        """Wait until it accepts connections. Later output is read too, so that it never waits for its log."""
        while True:
            line = await self.line()
            if line is None:
                status = await self.process.wait()
                raise Fault(f"a server ended with status {status}: {self.said[-1] if self.said else 'without a word'}")
            self.said.append(line)
            if "listening" in line:
                self.reader = asyncio.create_task(self._read_on())
                return

    async def _read_on(self):
        while (line := await self.line()) is not None:
            self.said = [*self.said[-20:], line]


class Client(Process):
    """A million-client: see the head of client.c for its commands and answers."""

    def __init__(self, process):
        super().__init__(process)
        self.open = 0

    @staticmethod
    async def start(program, port, number, capacity):
        source = f"127.{16 + number // 250}.{number % 250}.0"
        return Client(await _start(program, str(port), source, str(capacity), stdin=asyncio.subprocess.PIPE))

    def tell(self, *words):
        self.process.stdin.write((" ".join(map(str, words)) + "\n").encode())

    async def answer(self, verb):
        """The words after `verb`, once its line was read."""
        while True:
            line = await self.line()
            if line is None:
                raise Fault(f"a client process ended with status {await self.process.wait()}")
            said, *words = line.split()
            if said == "open":
                self.open = int(words[0])
            elif said == verb:
                return words
            else:
                raise Fault(line.removeprefix("fault "))

    async def ask(self, *words, answer):
        self.tell(*words)
        return await self.answer(answer)

    def hang_up(self):
        """All its connections are reset when its input ends."""
        self.process.stdin.close()
