"""An OTLP receiver: an HTTP server that parses what it gets with OpenTelemetry's own classes."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final

PATH: Final = "/v1/traces"
SERVER: Final = 2
"""``SPAN_KIND_SERVER``."""
ERROR: Final = 2
"""``STATUS_CODE_ERROR``."""


class Receiver:
    """What was exported: the bodies, and the headers of each."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []

    def resources(self) -> list[dict[str, Any]]:
        """Return the attributes of the exporting process, of each body."""
        return [attributes_of(each.resource) for body in self.bodies for each in parse(body)]

    def spans(self) -> list[Any]:
        """Return all spans."""
        return [
            span
            for body in self.bodies
            for resource in parse(body)
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def servers(self) -> list[Any]:
        """Return the server spans, one a request."""
        return [span for span in self.spans() if span.kind == SERVER]

    def children(self, span: Any) -> dict[str, Any]:
        """Return the children of a span by name, in the order of their beginnings."""
        own = [each for each in self.spans() if each.parent_span_id == span.span_id]
        assert {each.trace_id for each in own} <= {span.trace_id}
        return {each.name: each for each in sorted(own, key=lambda each: each.start_time_unix_nano)}


def parse(body: bytes) -> Any:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    return ExportTraceServiceRequest.FromString(body).resource_spans


def attributes_of(span: Any) -> dict[str, Any]:
    """Return the attributes of a span or resource."""
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes
    }


@contextmanager
def receiving(status: int = 200) -> Iterator[Receiver]:
    """Run a receiver that answers with a status."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == PATH
            receiver.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            receiver.headers.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_address[1]}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
