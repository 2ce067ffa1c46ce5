"""The measurement: servers and clients are started, connected, left idle, and sent messages."""

import asyncio
import collections
import datetime
import signal
import time

from million import figures, limits
from million.processes import Client, Fault, Server

# Members needed for each server process, to be sure that every process has one.
MET_PER_PROCESS = 32
PROGRESS_S = 5
SETTLE_S = 1


def pairs(words):
    """["7:100", "9:102"] as {7: 100, 9: 102}."""
    return {int(name): int(count) for name, count in (word.split(":") for word in words)}


class Crowd:
    """`doing` describes the current step."""

    def __init__(self, server_program, client_program, port, options, tell):
        self.server_program, self.client_program = server_program, client_program
        self.port, self.options, self.tell = port, options, tell
        self.servers, self.clients = [], []
        self.doing = "nothing yet"
        share, more = divmod(options.connections, options.processes)
        self.shares = [share + (number < more) for number in range(options.processes)]

    def begin(self, what):
        self.doing = what
        self.tell(f"million: {what}")

    async def all_clients(self, *words, answer):
        """Send a command to all clients, then read all answers."""
        return await asyncio.gather(*(client.ask(*words, answer=answer) for client in self.clients))

    async def measure(self):
        options = self.options
        await self.start()
        before = figures.Memory.now(self.servers, self.clients)
        listening = [figures.descriptors(server.pid) for server in self.servers]
        speakers = await self.meet_servers()
        handshakes = await self.connect()
        await asyncio.sleep(SETTLE_S)
        spread = [figures.descriptors(server.pid) - own for server, own in zip(self.servers, listening)]
        if sum(spread) != options.connections:
            raise Fault(f"the servers hold {sum(spread):,} connections, not {options.connections:,}")
        memory = figures.Memory.now(self.servers, self.clients).growth_per(before, options.connections)
        idle = await self.idle()
        rounds = [await self.broadcast(number, speakers, spread) for number in range(1, options.rounds + 1)]
        return {
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "connections": options.connections,
            "processes": options.processes,
            "descriptor_limit": limits.descriptors(),
            "ping_interval": options.ping_interval,
            "fewest": min(spread),
            "most": max(spread),
            "handshakes": handshakes,
            "bytes_per_connection": memory,
            "idle": idle,
            "rounds": rounds,
        }

    async def start(self):
        self.begin(f"starting {self.options.processes} servers and as many client processes")
        for number, share in enumerate(self.shares):
            self.servers.append(await Server.start(self.server_program, self.port, self.options.ping_interval))
            self.clients.append(await Client.start(self.client_program, self.port, number, share))
        await asyncio.gather(*(server.listening() for server in self.servers))
        await self.all_clients("idle", answer="idle")

    async def meet_servers(self):
        """Connections of the first client process, one to each server. They will send for all others."""
        self.begin("finding a client of each server")
        first = self.clients[0]
        count = min(self.shares[0], MET_PER_PROCESS * self.options.processes)
        tracked = limits.tracked_connections()
        await first.ask("open", count, min(count, self.options.window), answer="opened")
        reason = limits.conntrack_problem(self.options.connections, tracked)
        if reason:
            raise Fault(reason)
        found = pairs(await first.ask("find", answer="found"))
        if len(found) != self.options.processes or sum(found.values()) != count:
            raise Fault(f"{count} connections met {len(found)} of {self.options.processes} servers")
        self.shares[0] -= count
        return sorted(found)

    async def connect(self):
        """Open all other connections at once."""
        count = sum(self.shares)
        self.begin(f"connecting {count:,}")
        window = max(1, self.options.window // len(self.clients))
        progress = asyncio.create_task(self.show_progress())
        cpu_before, start = figures.cpu_of(self.servers), time.monotonic()
        try:
            opened = await asyncio.gather(
                *(
                    client.ask("open", share, window, answer="opened")
                    for client, share in zip(self.clients, self.shares)
                )
            )
        finally:
            progress.cancel()
        wall = max(int(words[1]) for words in opened) / 1e9 - start
        cpu = figures.cpu_of(self.servers) - cpu_before
        return {"count": count, "wall_s": wall, "server_cpu_us": cpu / max(count, 1) * 1e6}

    async def show_progress(self):
        while True:
            await asyncio.sleep(PROGRESS_S)
            self.tell(f"million: {sum(client.open for client in self.clients):,} connections")

    async def idle(self):
        self.begin(f"leaving them alone for {self.options.idle:g} s")
        cpu_before, start = figures.cpu_of(self.servers), time.monotonic()
        await asyncio.sleep(self.options.idle)
        window = time.monotonic() - start
        cpu = figures.cpu_of(self.servers) - cpu_before
        await self.all_clients("idle", answer="idle")
        return {"window_s": window, "server_cpu_s": cpu}

    async def broadcast(self, number, speakers, spread):
        """One client of each server sends one message, all at the same moment: every client receives exactly one."""
        self.begin(f"broadcast {number} of {self.options.rounds}")
        await self.all_clients("await", number, answer="awaiting")
        await asyncio.sleep(SETTLE_S)
        servers_before, clients_before = figures.cpu_of(self.servers), figures.cpu_of(self.clients)
        said = await self.clients[0].ask("say", *speakers, answer="said")
        heard = await asyncio.gather(*(client.answer("heard") for client in self.clients))
        servers_cpu = figures.cpu_of(self.servers) - servers_before
        clients_cpu = figures.cpu_of(self.clients) - clients_before
        await asyncio.sleep(SETTLE_S)
        await self.all_clients("idle", answer="idle")  # a duplicate would have been found by now
        self.check_heard(heard, speakers, spread)
        count = self.options.connections
        return {
            "deliveries": count,
            "wall_s": (max(int(words[0]) for words in heard) - int(said[0])) / 1e9,
            "server_cpu_us": servers_cpu / count * 1e6,
            "client_cpu_us": clients_cpu / count * 1e6,
        }

    @staticmethod
    def check_heard(heard, speakers, spread):
        """Each client process has checked that its members received one message each. Here: members of one server
        received the same one, and no other member did."""
        totals = collections.Counter()
        for words in heard:
            totals.update(pairs(words[1:]))
        if sorted(totals) != speakers or sorted(totals.values()) != sorted(spread):
            raise Fault("the messages were not heard by the clients of their own servers")

    async def end(self):
        """Clients first: they reset their connections, so that the kernel keeps no connection."""
        self.begin("ending")
        for client in self.clients:
            client.hang_up()
        await asyncio.gather(*(client.ended() for client in self.clients))
        for server in self.servers:
            server.signal(signal.SIGTERM)
        await asyncio.gather(*(server.ended() for server in self.servers))
