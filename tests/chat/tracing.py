"""Spans of the chat in a collector: one message's trace, what the log says of it, and collectors that are slow, wrong
or gone."""

import contextlib
import json
import os
import signal
import tempfile

from certificate import make_certificate
from chat_client import Client, chat
from otlp import KINDS, Collector, attributes_of
from server_process import Server
from tap import run, test

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
CHAT = "chatroom.v1.ChatroomService/Chat"
FORMATS = ("stoa.json", "stoa.proto", "stoa.text")


@contextlib.contextmanager
def traced(settings=None, answers=(), **collector):
    with Collector(answers, **collector) as there:
        with chat({"server.tracing.endpoint": there.endpoint, **(settings or {})}) as server:
            yield server, there


def joined(server, subprotocol="stoa.json", **more):
    client = Client(server.port, subprotocol, nick="", **more)
    client.call("Join")
    return client


def spans_of(collector, trace, count):
    """Until so many spans of the trace are there; {name: span}."""
    found = collector.wait_for(lambda spans: sum(span["traceId"] == trace for span in spans) >= count, trace)
    return {span["name"]: span for span in found if span["traceId"] == trace}


def lost_spans(server):
    with server.heard:
        return [line for line in server.lines if "spans were lost" in line]


@test("a message that its sender traces is one trace, from the call to the delivery")
def one_trace():
    for subprotocol in FORMATS:
        with traced() as (server, collector):
            ann, ben = joined(server, subprotocol), joined(server, subprotocol)
            ann.call("Chat", message="hello", traceparent=PARENT)
            pushed = ben.chat()
            spans = spans_of(collector, TRACE, 4)
            assert set(spans) == {CHAT, "room publish", "room store", "room deliver"}, spans
            call, publish = spans[CHAT], spans["room publish"]
            assert call["parentSpanId"] == SPAN and call["kind"] == KINDS["server"], call
            assert publish["parentSpanId"] == call["spanId"] and publish["kind"] == KINDS["producer"], publish
            assert spans["room store"]["parentSpanId"] == publish["spanId"], spans
            assert spans["room deliver"]["parentSpanId"] == call["spanId"], spans
            # Who gets it can continue the trace at the server's span.
            assert pushed["traceparent"] == f"00-{TRACE}-{call['spanId']}-01", pushed


@test("spans have the names of OpenTelemetry's conventions, and say which program they are of")
def conventions():
    with traced({"server.tracing.service_name": "our chat"}) as (server, collector):
        offset = joined(server).call("Chat", message="hello", traceparent=PARENT)["offset"]
        spans = spans_of(collector, TRACE, 4)
        call = attributes_of(spans[CHAT])
        server.wait_for_log(call.pop("session.id"))
        assert call == {"rpc.system": "stoa", "rpc.service": "chatroom.v1.ChatroomService", "rpc.method": "Chat",
                        "network.protocol.name": "websocket"}, call
        assert attributes_of(spans["room publish"])["messaging.destination.name"] == "lobby"
        assert attributes_of(spans["room store"])["stoa.room.offset"] == offset
        assert attributes_of(spans["room deliver"])["messaging.operation.type"] == "process"
        resource = spans[CHAT]["resource"]
        assert resource["service.name"] == "our chat" and resource["service.version"], resource
        assert f"id={resource['service.instance.id']}" in server.log, resource


@test("without a traceparent each message has a trace of its own, and members get none")
def own_traces():
    with traced() as (server, collector):
        ann, ben = joined(server), joined(server)
        for text in ("one", "two"):
            ann.call("Chat", message=text)
            _, payload = ben.peer.read_message()
            assert text.encode() in payload and b"traceparent" not in payload, payload
        found = collector.wait_for(lambda spans: sum(span["name"] == CHAT for span in spans) == 2, "both")
        calls = [span for span in found if span["name"] == CHAT]
        assert len({span["traceId"] for span in calls}) == 2
        assert all("parentSpanId" not in span for span in calls), calls
        assert "room deliver" not in {span["name"] for span in found}


@test("a traceparent that is none is not passed on, and begins no trace")
def invalid():
    with traced() as (server, collector):
        ann, ben = joined(server), joined(server)
        for text in ("", "x", PARENT.upper(), PARENT + "-more", f"00-{'0' * 32}-{SPAN}-01", PARENT * 100):
            ann.call("Chat", message="hello", traceparent=text)
            pushed = ben.chat()["traceparent"]  # the server's own span
            assert pushed != text and TRACE not in pushed, pushed
        assert all(span["traceId"] != TRACE for span in collector.spans())


@test("the traceparent of an upgrade is continued by all messages of its session")
def of_upgrade():
    with traced() as (server, collector):
        client = joined(server, headers=[f"traceparent: {PARENT}"])
        client.call("Leave")
        names = {"chatroom.v1.ChatroomService/" + name for name in ("Hello", "Join", "Leave")}
        spans = spans_of(collector, TRACE, 3)
        assert names <= set(spans), spans
        assert all(spans[name]["parentSpanId"] == SPAN for name in names)


@test("history, search and the pages of Join have no traceparent; a recovery has it")
def pages():
    with traced() as (server, collector):
        ann = joined(server)
        first = ann.call("Chat", message="first")
        ann.call("Chat", message="hello", traceparent=PARENT)
        spans_of(collector, TRACE, 4)
        late = Client(server.port, nick="")
        items = late.call("Join", history=50)["items"]
        assert len(items) == 2 and not any(item["traceparent"] for item in items), items
        assert not any(item["traceparent"] for item in late.call("History")["items"])
        found = late.call("Search", text="hello")["items"]
        assert len(found) == 1 and not found[0]["traceparent"], found
        back = Client(server.port, nick="")
        back.call("Join", recover={"epoch": first["epoch"], "offset": first["offset"]})
        assert TRACE in back.chat()["traceparent"]


@test("sampling: own ignores the caller, parent follows it, parent_only begins no trace; a reload changes it")
def sampling():
    with tempfile.TemporaryDirectory() as folder, Collector() as collector:
        path = os.path.join(folder, "chat.yaml")

        def write(sampling, sample):
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"server": {"tracing": {"endpoint": collector.endpoint, "sampling": sampling,
                                                  "sample": sample}}}, file)

        write("parent_only", 1)
        server = Server(os.environ["CHATROOM"], options=["-c", path])
        try:
            client = joined(server)
            client.call("Chat", message="nobody asked")
            client.call("Chat", message="not this one", traceparent=PARENT[:-1] + "0")
            client.call("Chat", message="this one", traceparent=PARENT)
            spans_of(collector, TRACE, 4)
            assert {span["traceId"] for span in collector.spans()} == {TRACE}
            write("own", 1000000000)
            server.signal(signal.SIGHUP)
            line = server.wait_for_log("configuration reloaded")
            assert "server.tracing.sampling" in line and "server.tracing.sample" in line, line
            client.call("Chat", message="whatever the caller says", traceparent=PARENT)
            write("parent", 1)
            server.signal(signal.SIGHUP)
            server.wait_for_lines("configuration reloaded", 2)
            client.call("Chat", message="begins here")
            found = collector.wait_for(lambda spans: any(span["traceId"] != TRACE for span in spans), "another trace")
            assert sum(span["traceId"] == TRACE for span in found) == 4
            client.peer.close()
            server.stop()
        finally:
            server.kill()


@test("every line of the log about a message has its trace, and lines about a session have the session's")
def lines():
    settings = {"log.level": "debug", "log.requests.mode": "all"}
    with traced(settings) as (server, _):
        client = joined(server, headers=[f"traceparent: {PARENT}"])
        client.call("Chat", message="hello")
        opened = server.wait_for_log("session opened")
        assert f"trace={TRACE}" in opened, opened
        client.leave()
        assert f"trace={TRACE}" in server.wait_for_log("session closed")
        other = joined(server)
        server.wait_for_lines("session opened", 2)
        line = [line for line in server.lines if "session opened" in line][1]
        session = line.split("session=")[1].split()[0]
        assert f"trace={session.replace('-', '')}" in line, line
        other.leave()
    with_request = [line for line in server.lines if "event=request" in line or 'event="request"' in line]
    assert all("trace=" in line for line in with_request), with_request
    assert all(line.count("trace=") == 1 for line in server.lines if "trace=" in line)


@test("an error is an error of the span only when the server is at fault")
def errors():
    with traced() as (server, collector):
        client = joined(server)
        assert client.refused("Chat", message="", traceparent=PARENT) == 123
        span = spans_of(collector, TRACE, 1)[CHAT]
        assert "status" not in span, span
        attributes = attributes_of(span)
        assert (attributes["error.type"], attributes["stoa.error.code"]) == ("TEXT_EMPTY", 123), attributes


@test("what waits is sent when the server ends")
def flush():
    with Collector() as collector:
        with chat({"server.tracing.endpoint": collector.endpoint}) as server:
            joined(server).call("Chat", message="last words", traceparent=PARENT)
        assert {span["name"] for span in collector.spans() if span["traceId"] == TRACE} >= {CHAT}
        assert not lost_spans(server)


@test("a collector that is busy gets the spans later")
def busy():
    with traced(answers=[(503, {"Retry-After": "1"}, b""), (429, {"Retry-After": "0"}, b"")]) as (server, collector):
        joined(server).call("Chat", message="hello", traceparent=PARENT)
        spans_of(collector, TRACE, 4)
        server.wait_for_log("the collector did not take spans", "tries=1")


@test("a collector that refuses, or is not there, costs spans and nothing else")
def refusing():
    with traced(answers=[(400, {}, b"no"), (200, {}, b'{"partialSuccess":{"rejectedSpans":"1","errorMessage":"x"}}')]) as (
            server, collector):
        client = joined(server)
        client.call("Chat", message="hello", traceparent=PARENT)
        line = server.wait_for_log("the collector refused a request", "status=400")
        assert "answer=no" in line, line
        server.wait_for_log("spans were lost")
        client.call("Chat", message="again", traceparent=PARENT)
        server.wait_for_log("the collector refused some spans", "refused=1", "reason=x")
        collector.wait_for_requests(2)
    with Collector() as gone:
        endpoint = gone.endpoint
    with chat({"server.tracing.endpoint": endpoint}) as server:
        joined(server).call("Chat", message="hello", traceparent=PARENT)
        server.wait_for_log("the collector did not take spans", 'reason="the connection was refused"')
    assert lost_spans(server)


@test("with a collector that is slow, spans above the limit are lost, and messages are not")
def slow():
    with traced({"server.tracing.spans_max": 50, "server.tracing.timeout_ms": 2000}) as (server, collector):
        collector.hold.set()
        client = joined(server)
        for number in range(100):
            client.call("Chat", message=f"{number}", traceparent=PARENT)
        server.wait_for_log("spans were lost", 'reason="too many are in memory"')
        server.wait_for_log("the collector did not take spans", 'reason="it took too long"')
        collector.hold.clear()
        spans_of(collector, TRACE, 1)


@test("a collector with TLS is asked for its certificate, and headers come from a file")
def tls():
    with tempfile.TemporaryDirectory() as folder:
        pair = make_certificate(folder)
        headers = os.path.join(folder, "headers")
        with open(headers, "w", encoding="utf-8") as file:
            file.write("X-Key: from the file\n\nX-Other:2\r\n")
        os.chmod(headers, 0o600)
        settings = {"server.tracing.ca_file": pair[0], "server.tracing.header_secrets_file": headers,
                    "server.tracing.header_secrets": ["Authorization: Bearer secret-of-ours"]}
        with traced(settings, tls=pair) as (server, collector):
            joined(server).call("Chat", message="hello", traceparent=PARENT)
            spans_of(collector, TRACE, 4)
            found = collector.requests[0][0]
            assert (found["X-Key"], found["X-Other"]) == ("from the file", "2"), found
            assert found["Authorization"] == "Bearer secret-of-ours"
            assert "secret-of-ours" not in server.log
        with traced(tls=pair) as (server, _):
            joined(server).call("Chat", message="hello")
            server.wait_for_log("the collector did not take spans", 'reason="TLS failed"')


@test("a wrong option ends the start, and says what is wrong without a secret")
def options():
    with tempfile.TemporaryDirectory() as folder:
        readable = os.path.join(folder, "headers")
        with open(readable, "w", encoding="utf-8") as file:
            file.write("no colon\n")
        good = {"server.tracing.endpoint": "http://127.0.0.1:1"}
        cases = [
            ({"server.tracing.endpoint": "collector:4318"}, "option=server.tracing.endpoint", "value=collector:4318"),
            ({**good, "server.tracing.header_secrets": ["hidden"]}, "option=server.tracing.header_secrets ", "***"),
            ({**good, "server.tracing.header_secrets": ["a: b"] * 33}, "there are more than 32", "***"),
            ({**good, "server.tracing.header_secrets_file": "/no/such"}, "header_secrets_file", "/no/such"),
            ({**good, "server.tracing.header_secrets_file": readable}, "header_secrets_file", "chmod o-r"),
            ({"server.tracing.endpoint": "https://a", "server.tracing.ca_file": "/no/such"}, "ca_file", "/no/such"),
            ({**good, "server.tracing.spans_max": 2000000}, "option=server.tracing.spans_max", "highest=1000000"),
        ]
        for settings, *texts in cases:
            log = refused(settings)
            assert any(all(text in line for text in texts) for line in log.splitlines()), (settings, log)
            assert "hidden" not in log
        os.chmod(readable, 0o600)
        log = refused({**good, "server.tracing.header_secrets_file": readable})
        assert 'value="line 1"' in log and "no colon" not in log, log


def refused(settings):
    """The log of a server that must not start."""
    try:
        server = Server(os.environ["CHATROOM"], settings)
    except AssertionError as fault:
        return str(fault)
    server.kill()
    raise AssertionError(f"it has started with {settings}")


run()
