"""The judge of the kills: it must complain about every broken promise, and about nothing else."""

import copy

from judge import Complaint, Stored, judge
from tap import run, test

EPOCH = 7
STORED = [Stored(offset, "ann", f"ann-{number}", f"ann-{number} hello")
          for number, offset in enumerate((1, 2, 3, 5, 8), 1)]


def event(client, name, **rest):
    return {"client": client, "event": name, "room": "feed", **rest}


def post(offset):
    return next(message for message in STORED if message.offset == offset)


def received(client, offset):
    return event(client, "received", offset=offset, text=post(offset).text)


def ann():
    """Sends five posts; the second is sent twice; follows from the start."""
    events = [event("ann", "asked", epoch=0, offset=0),
              event("ann", "followed", recovered=False, epoch=0, offset=0, page=[])]
    for message in STORED:
        events += [event("ann", "sent", id=message.id)] * (2 if message.offset == 2 else 1)
        events += [received("ann", message.offset), event("ann", "acked", id=message.id, offset=message.offset)]
    return events


def ben():
    """Follows at 2, leaves at 3, recovers 5 and 8, and comes back when nothing was missed."""
    page = [[message.offset, message.text] for message in STORED[:2]]
    return [
        event("ben", "asked", epoch=0, offset=0),
        event("ben", "followed", recovered=False, epoch=EPOCH, offset=2, page=page),
        received("ben", 3),
        event("ben", "left"),
        event("ben", "asked", epoch=EPOCH, offset=3),
        event("ben", "followed", recovered=True, epoch=EPOCH, offset=8, page=[]),
        received("ben", 5),
        received("ben", 8),
        event("ben", "ended"),
        event("ben", "asked", epoch=EPOCH, offset=8),
        event("ben", "followed", recovered=True, epoch=EPOCH, offset=8, page=[]),
    ]


def verdict(events, stored=None):
    try:
        judge({"feed": (EPOCH, STORED if stored is None else stored)}, events)
        return None
    except Complaint as complaint:
        return str(complaint)


def must_complain(about, events, stored=None):
    found = verdict(events, stored)
    assert found is not None and about in found, f"{about!r} expected, got {found!r}"


def changed(events, which, **changes):
    """The first event that `which` accepts, with the changes."""
    events = copy.deepcopy(events)
    next(each for each in events if which(each)).update(changes)
    return events


def without(events, which):
    dropped = next(index for index, each in enumerate(events) if which(each))
    return events[:dropped] + events[dropped + 1 :]


@test("what a durable room promises is accepted, and counted")
def accepted():
    counts = judge({"feed": (EPOCH, STORED)}, ann() + ben())
    assert (counts["acked"], counts["received"], counts["missed"], counts["stored"]) == (5, 8, 2, 5), counts


@test("an acknowledged message that is lost is found")
def lost():
    must_complain("lost", [*ann(), event("ann", "sent", id="ann-6"), event("ann", "acked", id="ann-6", offset=9)])


@test("an acknowledgement with another offset is found")
def other_offset():
    must_complain("another offset", changed(ann(), lambda each: each["event"] == "acked", offset=2))


@test("an acknowledgement of what was never sent is found")
def unsent():
    must_complain("never sent", without(ann(), lambda each: each["event"] == "sent"))


@test("a message that is stored twice is found")
def twice():
    must_complain("stored twice", ann(), [*STORED, Stored(9, "ann", "ann-5", "ann-5 hello")])


@test("messages of one sender out of order are found")
def disorder():
    must_complain("out of order", ann(), [STORED[1], *STORED[:1], *STORED[2:]][:0] + [
        Stored(1, "ann", "ann-2", "ann-2 hello"), Stored(2, "ann", "ann-1", "ann-1 hello"), *STORED[2:]])


@test("offsets that do not increase are found")
def offsets():
    must_complain("comes after", ann(), [*STORED, Stored(8, "ann", "ann-6", "ann-6 hello")])


@test("a message that is stored though nobody sent it is found")
def invented():
    must_complain("sent by nobody", ann(), [*STORED, Stored(9, "eve", "eve-1", "eve-1 hello")])


@test("a message that was shown but is not stored is found")
def shown():
    must_complain("not stored", [*ann(), event("ann", "received", offset=9, text="ann-6 hello")])


@test("a message that is received twice is found")
def received_twice():
    must_complain("twice", [*ann(), received("ann", 8)])


@test("a hole in live messages is found, and one in a recovery")
def holes():
    must_complain("a hole of 1", without(ann(), lambda each: each["event"] == "received" and each["offset"] == 3))
    must_complain("a hole of 1",
                  [*ann(), *without(ben(), lambda each: each["event"] == "received" and each["offset"] == 5)])


@test("a text that differs from the stored one is found")
def text():
    must_complain("another text", changed(ann(), lambda each: each["event"] == "received", text="ann-1 hullo"))


@test("recovered from a position of another epoch is found")
def wrong_epoch():
    must_complain("without the room's epoch",
                  ann() + changed(ben(), lambda each: each["event"] == "asked" and each["offset"] == 3, epoch=6))


@test("not recovered although all was there is found")
def not_recovered():
    must_complain("not recovered", ann() + changed(ben(), lambda each: each.get("recovered"), recovered=False))


@test("a page that is not the newest posts is found")
def page():
    must_complain("not the newest", ann() + changed(ben(), lambda each: each.get("page"), page=[[2, post(2).text]]))


@test("messages for a client that follows nothing are found")
def follows_nothing():
    must_complain("follows nothing", [*ann(), event("ann", "ended"), received("ann", 8)])


@test("a run in which nothing was acknowledged or received proves nothing")
def nothing():
    must_complain("nothing was", [], [])
    must_complain("nothing was received", [each for each in ann() if each["event"] != "received"])


run()
