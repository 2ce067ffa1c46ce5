"""Whether what clients of examples/feed have seen is what a durable room promises.

An event is a line of JSON that a client has written down, with `client`, `event` and `room`:

  asked     it follows from its position: epoch, offset (both 0: none)
  followed  recovered, epoch, offset, page: [[offset, text], …]
  refused   its follow was answered with an error
  received  offset, text
  sent      id, each time that it is sent: NAME-1, NAME-2, … in this order; a text begins with its id
  acked     id, offset
  failed    id, reason: an answer that is an error, or none
  left      it closes its connection, on which posts may still come, and comes back later
  ended     its connection has ended

The stored messages are those of one room: [Stored, …], in the order of their offsets.
"""

import collections
import dataclasses
import json

PAGE = 20
RECOVERY_MAX = 1000


@dataclasses.dataclass(frozen=True)
class Stored:
    offset: int
    sender: str
    id: str
    text: str


class Complaint(AssertionError):
    """The promise that was broken, and by which event."""


def read_events(path):
    with open(path, encoding="ascii") as file:
        return [json.loads(line) for line in file]


class _Room:
    def __init__(self, name, epoch, messages):
        self.name, self.epoch, self.messages = name, epoch, messages
        self.offsets = [message.offset for message in messages]
        self.place = {message.offset: place for place, message in enumerate(messages)}
        self.by_id = {message.id: message for message in messages}
        self._check()

    def _check(self):
        for before, after in zip(self.offsets, self.offsets[1:]):
            _must(before < after, f"{self.name}: the offset {after} comes after {before}")
        counts = collections.Counter(message.id for message in self.messages)
        twice = [identity for identity, count in counts.items() if count > 1]
        _must(not twice, f"{self.name}: stored twice: {twice[:5]}")
        newest = collections.defaultdict(int)
        for message in self.messages:
            number = int(message.id.rpartition("-")[2])
            _must(number > newest[message.sender], f"{self.name}: out of order: {message}")
            newest[message.sender] = number

    def after(self, offset):
        """How many messages have a greater offset."""
        return sum(each > offset for each in self.offsets)


def _must(condition, what):
    if not condition:
        raise Complaint(what)


class _Client:
    """The events of one client, one after another."""

    def __init__(self, room, counts):
        self.room, self.counts = room, counts
        self.position = (0, 0)
        self.sent = set()
        self.next_place = None  # of the message that comes next; None: it follows nothing

    def take(self, event):
        getattr(self, "_" + event["event"], self._nothing)(event)
        self.counts[event["event"]] += 1

    def _nothing(self, event):
        pass

    def _end(self, _event):
        self.next_place = None

    _ended = _refused = _end

    def _asked(self, event):
        self.next_place = None
        self.position = (int(event["epoch"]), int(event["offset"]))

    def _followed(self, event):
        offset, page = int(event["offset"]), event["page"]
        if event["recovered"]:
            _must(self.position[0] == self.room.epoch, f"recovered without the room's epoch: {event}")
            _must(not page, f"recovered, and a page too: {event}")
            self.next_place = self._place_after(self.position[1])
            self.counts["missed"] += self._place_after(offset) - self.next_place
            return
        if self.position[0] != 0:
            # The room never loses its epoch here, and what was missed is never too much.
            _must(self.room.after(self.position[1]) > RECOVERY_MAX, f"not recovered from {self.position}: {event}")
        self.next_place = self._place_after(offset)
        newest = self.room.messages[max(0, self.next_place - PAGE) : self.next_place]
        _must([[int(each), text] for each, text in page] == [[each.offset, each.text] for each in newest],
              f"the page is not the newest posts: {event}")

    def _place_after(self, offset):
        if offset == 0:
            return 0
        _must(offset in self.room.place, f"{self.room.name}: a position that no message has: {offset}")
        return self.room.place[offset] + 1

    def _received(self, event):
        offset = int(event["offset"])
        _must(self.next_place is not None, f"received while it follows nothing: {event}")
        _must(offset in self.room.place, f"received, but not stored: {event}")
        place = self.room.place[offset]
        _must(place >= self.next_place, f"received twice, or out of order: {event}")
        _must(place == self.next_place, f"a hole of {place - self.next_place} before: {event}")
        _must(self.room.messages[place].text == event["text"], f"received with another text than stored: {event}")
        self.next_place = place + 1

    def _sent(self, event):
        self.sent.add(event["id"])

    def _acked(self, event):
        _must(event["id"] in self.sent, f"acknowledged, but never sent: {event}")
        stored = self.room.by_id.get(event["id"])
        _must(stored is not None, f"acknowledged, but lost: {event}")
        _must(stored.offset == int(event["offset"]), f"acknowledged with another offset than {stored}: {event}")


def judge(rooms, events):
    """rooms: {name: (epoch, [Stored, …])}. Returns how many events of each kind there were, by `missed` how many
    messages recoveries gave. Raises a Complaint."""
    counts = collections.Counter()
    judged = {name: _Room(name, epoch, messages) for name, (epoch, messages) in rooms.items()}
    clients = {}
    for event in events:
        _must(event["room"] in judged, f"a room that nobody stored: {event}")
        key = (event["client"], event["room"])
        if key not in clients:
            clients[key] = _Client(judged[event["room"]], counts)
        clients[key].take(event)
    sent = set().union(*(client.sent for client in clients.values())) if clients else set()
    stored = [message.id for room in judged.values() for message in room.messages]
    unsent = [identity for identity in stored if identity not in sent]
    _must(not unsent, f"stored, but sent by nobody: {unsent[:5]}")
    for kind in ("acked", "received", "followed"):
        _must(counts[kind] > 0, f"nothing was {kind}, so nothing was proven")
    counts["stored"] = len(stored)
    return counts
