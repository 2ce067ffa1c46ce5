"""An OpenTelemetry collector: OTLP/HTTP with JSON, which checks each field of what it gets, as OTLP 1.x defines it."""

import contextlib
import http.server
import json
import re
import ssl
import sys
import threading
import time

DEADLINE_S = 30
HEX = re.compile(r"[0-9a-f]+")
INT64 = re.compile(r"-?(0|[1-9][0-9]*)")
VALUES = {"stringValue": str, "boolValue": bool, "intValue": str, "doubleValue": (int, float)}
# Field: its check, and whether it must be there.
KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}


def only(thing, required, optional=()):
    assert isinstance(thing, dict), thing
    missing, unknown = set(required) - set(thing), set(thing) - set(required) - set(optional)
    assert not missing and not unknown, (missing, unknown, thing)


def check_id(text, length):
    assert isinstance(text, str) and len(text) == length and HEX.fullmatch(text), text
    assert text.strip("0"), f"an id of zeros only: {text}"


def check_time(text):
    """fixed64 is a text in proto3 JSON."""
    assert isinstance(text, str) and INT64.fullmatch(text), text
    assert 0 < int(text) < 2**64


def check_attributes(attributes):
    keys = set()
    for attribute in attributes:
        only(attribute, ("key", "value"))
        assert isinstance(attribute["key"], str) and attribute["key"], attribute
        assert attribute["key"] not in keys, f"twice: {attribute}"
        keys.add(attribute["key"])
        assert len(attribute["value"]) == 1, attribute
        (kind, value), = attribute["value"].items()
        assert isinstance(value, VALUES[kind]), attribute
        if kind == "intValue":
            assert INT64.fullmatch(value) and -(2**63) <= int(value) < 2**63, attribute


def check_span(span):
    only(span, ("traceId", "spanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano"),
         ("parentSpanId", "traceState", "flags", "attributes", "droppedAttributesCount", "links", "status"))
    check_id(span["traceId"], 32)
    check_id(span["spanId"], 16)
    if "parentSpanId" in span:
        check_id(span["parentSpanId"], 16)
    assert isinstance(span["name"], str) and span["name"], span
    # An enum is a number here: names are not allowed.
    assert type(span["kind"]) is int and span["kind"] in KINDS.values(), span  # pylint: disable=unidiomatic-typecheck
    check_time(span["startTimeUnixNano"])
    check_time(span["endTimeUnixNano"])
    assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]), span
    assert 0 <= span.get("flags", 0) < 2**32
    assert 0 <= span.get("droppedAttributesCount", 0) < 2**32
    check_attributes(span.get("attributes", []))
    for link in span.get("links", []):
        only(link, ("traceId", "spanId"), ("traceState", "attributes", "flags"))
        check_id(link["traceId"], 32)
        check_id(link["spanId"], 16)
    if "status" in span:
        only(span["status"], ("code",), ("message",))
        assert span["status"]["code"] in (0, 1, 2), span


def check_request(request):
    """An ExportTraceServiceRequest."""
    only(request, ("resourceSpans",))
    assert request["resourceSpans"]
    for resource_spans in request["resourceSpans"]:
        only(resource_spans, ("resource", "scopeSpans"), ("schemaUrl",))
        only(resource_spans["resource"], ("attributes",), ("droppedAttributesCount",))
        check_attributes(resource_spans["resource"]["attributes"])
        assert "service.name" in attributes_of(resource_spans["resource"]), resource_spans["resource"]
        for scope_spans in resource_spans["scopeSpans"]:
            only(scope_spans, ("scope", "spans"), ("schemaUrl",))
            only(scope_spans["scope"], ("name",), ("version", "attributes"))
            assert scope_spans["spans"]
            for span in scope_spans["spans"]:
                check_span(span)


def attributes_of(thing):
    """{key: value} of a span or a resource."""
    found = {}
    for attribute in thing.get("attributes", []):
        (kind, value), = attribute["value"].items()
        found[attribute["key"]] = int(value) if kind == "intValue" else value
    return found


class Collector:
    """Keeps what it gets, and answers as `answers` says: (status, headers, body) for each request in turn, then 200.
    `hold` is an event: while it is set, requests wait."""

    def __init__(self, answers=(), tls=None, port=0):
        self.answers = list(answers)
        self.hold = threading.Event()
        self.heard = threading.Condition()
        self.requests = []  # (headers, parsed body)
        self.faults = []
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_OPTIONS(self):  # pylint: disable=invalid-name  # of http.server
                """A browser asks before it sends JSON to another origin."""
                self.send_response(204)
                self.send_header("Access-Control-Allow-Origin", "*")
                self.send_header("Access-Control-Allow-Headers", "content-type")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                while collector.hold.is_set():
                    threading.Event().wait(0.02)
                status, headers, answer = collector.take(self.path, self.headers, body)
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Access-Control-Allow-Origin", "*")
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)

            def log_message(self, format, *args):  # pylint: disable=redefined-builtin
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.scheme = "http" if tls is None else "https"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def endpoint(self):
        return f"{self.scheme}://127.0.0.1:{self.port}/v1/traces"

    def take(self, path, headers, body):
        with self.heard:
            answer = self.answers.pop(0) if self.answers else (200, {}, b"{}")
            try:
                assert path == "/v1/traces", path
                assert headers["Content-Type"] == "application/json", headers
                request = json.loads(body)
                check_request(request)
                if answer[0] == 200:
                    self.requests.append((headers, request))
                else:
                    self.requests.append((headers, None))
            except Exception as fault:  # pylint: disable=broad-except  # told by spans()
                self.faults.append(fault)
            self.heard.notify_all()
        return answer

    def spans(self):
        """All that were taken, with their resource's attributes."""
        with self.heard:
            assert not self.faults, self.faults
            return [{**span, "resource": attributes_of(part["resource"])} for _, request in self.requests if request
                    for part in request["resourceSpans"] for scope in part["scopeSpans"] for span in scope["spans"]]

    def wait_for(self, condition, what):
        """Until the condition holds for the list of spans; returns it."""
        deadline = time.monotonic() + DEADLINE_S
        with self.heard:
            while True:
                found = self.spans()
                if condition(found):
                    return found
                left_s = deadline - time.monotonic()
                assert left_s > 0, f"waited in vain for {what}: {[span['name'] for span in found]}"
                self.heard.wait(left_s)

    def wait_for_requests(self, count):
        with self.heard:
            heard = self.heard.wait_for(lambda: len(self.requests) >= count, DEADLINE_S)
        assert heard and not self.faults, (len(self.requests), self.faults)

    def named(self, *names):
        """Until there is a span of each of the names; returns {name: span}, the first of each."""
        found = self.wait_for(lambda spans: set(names) <= {span["name"] for span in spans}, names)
        return {name: next(span for span in found if span["name"] == name) for name in names}

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def main():
    """A collector for programs in other languages: prints its endpoint, and for each line of standard input the spans so
    far, as JSON, or what was wrong with them."""
    with Collector() as collector:
        print(collector.endpoint, flush=True)
        for _ in sys.stdin:
            try:
                print(json.dumps(collector.spans()), flush=True)
            except AssertionError as fault:
                print(json.dumps({"fault": str(fault)}), flush=True)


if __name__ == "__main__":
    main()
