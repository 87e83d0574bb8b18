"""Hostile requests, byte for byte, and the status that each must get."""

import gzip
import json
from typing import Final, NamedTuple

TEXT: Final = "OPEC ministers agreed to cut crude oil output."
MEGABYTE: Final = 1_000_000
BODY_LIMIT: Final = 6 * MEGABYTE
JSON: Final = "Content-Type: application/json"
PLAIN: Final = "Content-Type: text/plain"


class Hostile(NamedTuple):
    """A request and its expected statuses."""

    sent: bytes
    statuses: tuple[int, ...]
    """Of the answers, in order. After the last the connection may be closed or not."""
    heavy: bool = False
    """Whether its work is in proportion to its size: megabytes of text."""


def request(
    body: bytes = b"", *headers: str, line: str = "POST /classify HTTP/1.1", length: bool = True
) -> bytes:
    """Return the bytes of a request."""
    lines = [line, "Host: localhost", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def text(content: str) -> bytes:
    """Return a request to classify a text, as JSON in UTF-8 with escaped surrogates."""
    return request(json.dumps({"text": content}).encode(), JSON)


def raw(body: bytes, path: str = "/classify") -> bytes:
    """Return a request with a body of type JSON."""
    return request(body, JSON, line=f"POST {path} HTTP/1.1")


def chunked(chunks: bytes, *headers: str) -> bytes:
    """Return a request with a body in chunks."""
    return request(chunks, JSON, "Transfer-Encoding: chunked", *headers, length=False)


def get(target: str = "/health/live", *headers: str, version: str = "HTTP/1.1") -> bytes:
    """Return a request without a body."""
    return request(b"", *headers, line=f"GET {target} {version}", length=False)


GOOD: Final = json.dumps({"text": TEXT}).encode()
_CHUNKS: Final = b"%x\r\n%b\r\n0\r\n\r\n" % (len(GOOD), GOOD)
_DISTINCT: Final = " ".join(f"w{number}" for number in range(140_000))[:MEGABYTE]

TEXTS: Final = {
    "NUL": Hostile(text("crude\0oil\0" * 9), (200,)),
    "lone surrogates": Hostile(text("crude \ud83d oil \udc00"), (200,)),
    "right to left": Hostile(text("\u202ecrude oil\u202c \u0646\u0641\u0637"), (200,)),
    "zero width": Hostile(text("cr\u200bude o\u200dil\ufeff"), (200,)),
    "combining marks": Hostile(text("o" + "\u0301" * 10_000), (200,)),
    "one word of 1 MB": Hostile(text("a" * MEGABYTE), (200,), heavy=True),
    "1 M spaces": Hostile(text(" " * MEGABYTE), (422,), heavy=True),
    "1 MB of distinct words": Hostile(text(_DISTINCT), (200,), heavy=True),
    "1 MB of punctuation": Hostile(text("." * MEGABYTE), (200,), heavy=True),
    "over the limit by a byte": Hostile(text("a" * (MEGABYTE + 1)), (413,), heavy=True),
}
BODIES: Final = {
    "deep nesting": Hostile(raw(b"[" * 100_000), (422,)),
    "deep nesting, 6 MB": Hostile(raw(b"[" * BODY_LIMIT), (422,), heavy=True),
    "deep nesting in an item": Hostile(
        raw(b'{"items": [' + b"[" * 100_000, "/classify/batch"), (422,)
    ),
    "6 MB of empty items": Hostile(
        raw(b'{"items": [' + b"[]," * (BODY_LIMIT // 3 - 9) + b"[]]}", "/classify/batch"),
        (422,),
        heavy=True,
    ),
    "6 MB of empty data": Hostile(
        raw(
            b'{"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ['
            + b"[]," * (BODY_LIMIT // 3 - 99)
            + b"[]]}]}",
            "/v2/models/reuters/infer",
        ),
        (400,),
        heavy=True,
    ),
    "duplicate keys": Hostile(raw(b'{"text": "a", "text": "oil"}'), (200,)),
    "a key as escapes": Hostile(raw(rb'{"text": "oil", "\u0065xplain": true}'), (200,)),
    "1e999": Hostile(raw(b'{"text": "oil", "min_confidence": 1e999}'), (422,)),
    "10**5000": Hostile(raw(b'{"text": "oil", "top_k": 1%b}' % (b"0" * 5_000)), (400,)),
    "NaN": Hostile(raw(b'{"text": "oil", "min_confidence": NaN}'), (422,)),
    "a number for a boolean": Hostile(raw(b'{"text": "oil", "all_topics": 1}'), (422,)),
    "byte order mark": Hostile(raw(b"\xef\xbb\xbf" + GOOD), (200,)),
    "UTF-16": Hostile(raw(GOOD.decode().encode("utf-16")), (400,)),
    "UTF-32": Hostile(raw(GOOD.decode().encode("utf-32")), (400,)),
    "gzip bomb": Hostile(
        request(gzip.compress(b"a" * (10 * MEGABYTE)), JSON, "Content-Encoding: gzip"), (415,)
    ),
    "no content type": Hostile(request(GOOD), (415,)),
    "another content type": Hostile(request(GOOD, "Content-Type: application/xml"), (415,)),
    "two content types": Hostile(request(GOOD, JSON, PLAIN), (200,)),
    "no body": Hostile(request(b"", JSON), (400,)),
    "a body on GET": Hostile(request(GOOD, JSON, line="GET /health/live HTTP/1.1"), (200,)),
}
FRAMES: Final = {
    "pipelining": Hostile((text(TEXT) + get() + raw(b"{")) * 30, (200, 200, 400) * 30),
    "a size that is none": Hostile(chunked(b"zz\r\nabc\r\n"), (400,)),
    "a size below 0": Hostile(chunked(b"-5\r\nabc\r\n"), (400,)),
    "a size beyond 64 bits": Hostile(chunked(b"f" * 17 + b"\r\nabc\r\n"), (400,)),
    "length and chunks": Hostile(
        chunked(_CHUNKS, f"Content-Length: {len(_CHUNKS)}") + get("/admin"), (400,)
    ),
    "chunks, not last": Hostile(
        request(_CHUNKS, JSON, "Transfer-Encoding: chunked, identity", length=False), (400,)
    ),
    "two lengths": Hostile(request(GOOD, JSON, "Content-Length: 3"), (400,)),
    "a length below 0": Hostile(request(GOOD, JSON, "Content-Length: -1", length=False), (400,)),
    "a length beyond 64 bits": Hostile(
        request(GOOD, JSON, "Content-Length: " + "9" * 20, length=False), (400,)
    ),
    "a length that is none": Hostile(
        request(GOOD, JSON, "Content-Length: 0x10", length=False), (400,)
    ),
    "a space before the colon": Hostile(
        request(_CHUNKS, JSON, "Transfer-Encoding : chunked", length=False), (400,)
    ),
    "a bare line feed in a header": Hostile(get("/health/live", "X-A: a\nX-B: b"), (400,)),
    "10,000 headers": Hostile(get("/health/live", *["X-A: a"] * 10_000), (431,)),
    "a header of 1 MB": Hostile(get("/health/live", "X-A: " + "a" * MEGABYTE), (431,)),
    "a target of 1 MB": Hostile(get("/" + "a" * MEGABYTE), (431,)),
}
TARGETS: Final = {
    "absolute": Hostile(get("http://elsewhere.example/health/live"), (200,)),
    "an asterisk": Hostile(request(line="OPTIONS * HTTP/1.1"), (404,)),
    "an authority": Hostile(request(line="CONNECT elsewhere.example:443 HTTP/1.1"), (400,)),
    "no slash": Hostile(get("health"), (400,)),
    "NUL in the path": Hostile(get("/health%00/live"), (404,)),
    "a bare NUL in the path": Hostile(get("/health\0/live"), (400,)),
    "percent-encoded slashes": Hostile(get("/health%2Flive"), (200,)),
    "dots": Hostile(get("/../../etc/passwd"), (404,)),
    "percent-encoded dots": Hostile(get("/%2e%2e/%2e%2e/etc/passwd"), (404,)),
    "bytes that are no UTF-8": Hostile(get("/%ff%fe"), (404,)),
    "a method that is none": Hostile(request(line="BREW /classify HTTP/1.1"), (400,)),
}
PROTOCOLS: Final = {
    "HTTP/1.0": Hostile(get(version="HTTP/1.0"), (200,)),
    "HTTP/0.9": Hostile(b"GET /health/live\r\n\r\n", (200,)),
    "HTTP/3.0": Hostile(get(version="HTTP/3.0"), (400,)),
    "HTTP/2 without asking": Hostile(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400,)),
    "h2c": Hostile(
        get(
            "/health/live",
            *("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
        ),
        (200,),
    ),
    "WebSocket": Hostile(
        get(
            "/health/live",
            *("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        ),
        (200,),
    ),
    "a TLS hello": Hostile(bytes.fromhex("16030100c8010000c40303") + bytes(range(189)), (400,)),
    "nothing but line ends": Hostile(b"\r\n" * 1_000 + get(), (200,)),
}
CORPUS: Final = {
    f"{kind}: {name}": hostile
    for kind, cases in (
        *(("text", TEXTS), ("body", BODIES), ("frame", FRAMES)),
        *(("target", TARGETS), ("protocol", PROTOCOLS)),
    )
    for name, hostile in cases.items()
}
