"""Attacks on a connection, with random variations.

``python -m tests.reliability.attacks PORT ATTACK CONNECTIONS SECONDS SEED`` runs one in a process
of its own, so that it does not slow down the measurement. No attack needs an API key.
"""

import asyncio
import contextlib
import socket
import struct
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Final

JSON: Final = b"Host: a\r\nContent-Type: application/json\r\n"
POST: Final = b"POST /classify HTTP/1.1\r\n" + JSON
BODY: Final = b'{"text": "Crude oil prices rose."}'
CHUNKED: Final = POST + b"Transfer-Encoding: chunked\r\n\r\n"
CLASSIFY: Final = POST + b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
PATHS: Final = (b"/", b"/health/live", b"/topics", b"/openapi.json", b"/nothing", b"/metrics")
PAUSE_SECONDS: Final = 0.01
"""Between pieces, so that the attack is one on the service and not on the processor."""
RESET_SECONDS: Final = 0.1
"""Before the next connection: more than 500 a second by 50 clients is a flood, and no trick."""
READ_BYTES: Final = 65_536

Attack = Callable[[Random, StreamReader, StreamWriter], Awaitable[None]]


async def _send(writer: StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()
    await asyncio.sleep(PAUSE_SECONDS)


async def _forever(writer: StreamWriter, begin: bytes, piece: Callable[[], bytes]) -> None:
    await _send(writer, begin)
    while True:
        await _send(writer, piece())


async def trailers(random: Random, reader: StreamReader, writer: StreamWriter) -> None:
    """Send trailers without end, after a body that is valid."""
    begin = CHUNKED + b"%x\r\n%b\r\n0\r\n" % (len(BODY), BODY)
    field = random.choice([b"a:\r\n", b"a" * 100 + b":\r\n", b"a: " + b"b" * 900 + b"\r\n", b"a"])
    await _forever(writer, begin, lambda: field * (READ_BYTES // len(field)))


async def chunk_extensions(random: Random, reader: StreamReader, writer: StreamWriter) -> None:
    """Send the size of a chunk without end, or chunks of one byte each."""
    piece = random.choice([b";a=b" * 9_000, b"0" * 9_000, b"1\r\n \r\n" * 5_000])
    await _forever(writer, CHUNKED + b"1", lambda: piece)


async def chunks(random: Random, reader: StreamReader, writer: StreamWriter) -> None:
    """Send a body of very many chunks, long ones or of one byte, rejected at once or not."""
    head = b"POST %b HTTP/1.1\r\n" % random.choice([b"/classify", b"/nothing"])
    head += random.choice([JSON, b"Host: a\r\n"]) + b"Transfer-Encoding: chunked\r\n\r\n"
    piece = random.choice([b"1\r\n \r\n" * 10_000, b"8000\r\n%b\r\n" % (b" " * 32_768)])
    await _forever(writer, head, lambda: piece)


async def pipeline(random: Random, reader: StreamReader, writer: StreamWriter) -> None:
    """Send short requests as fast as they are read, and read all answers."""
    path = random.choice(PATHS[:3])
    request = b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % path

    async def read() -> None:
        while await reader.read(READ_BYTES):
            pass

    reading = asyncio.create_task(read())
    try:
        await _forever(writer, b"", lambda: request * random.choice([200, 2_000, 8_000]))
    finally:
        reading.cancel()


async def pipeline_unread(random: Random, reader: StreamReader, writer: StreamWriter) -> None:
    """Send requests for long answers, and read none."""
    request = b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % random.choice(PATHS[3:5])
    await _forever(writer, b"", lambda: request * 500)


async def unfinished_head(random: Random, reader: StreamReader, writer: StreamWriter) -> None:
    """Send many header fields, or a long one, and no end."""
    field = random.choice([b"a:\r\n", b"abcdefgh: \r\n", b"a: " + b"b" * 600 + b"\r\n"])
    await _send(
        writer, b"GET / HTTP/1.1\r\n" + field * (random.choice([15_000, 64_000]) // len(field))
    )
    while True:
        await _send(writer, field)
        await asyncio.sleep(0.5)


async def unfinished_body(random: Random, reader: StreamReader, writer: StreamWriter) -> None:
    """Send most of a long body, then a byte now and then."""
    size = random.choice([5_000_000, 15_000_000])
    begin = POST + b"Content-Length: %d\r\n\r\n" % size
    writer.write(begin + b" " * (size - 10_000))
    while True:
        await _send(writer, b" ")
        await asyncio.sleep(0.5)


async def unknown_fields(random: Random, reader: StreamReader, writer: StreamWriter) -> None:
    """Send bodies that are nothing but names of fields that do not exist."""
    name = random.randrange(10)
    fields = b",".join(b'"%x%d":0' % (index, name) for index in range(1_700))
    for body in (b"{%b}" % fields, b'{"items":[{%b}]}' % fields):
        path = b"/classify/batch" if b"items" in body else b"/classify"
        head = b"POST %b HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n" % (path, JSON, len(body))
        await _send(writer, head + body)
        await reader.read(READ_BYTES)


async def upgrade(random: Random, reader: StreamReader, writer: StreamWriter) -> None:
    """Ask for another protocol, and send requests in place of the body."""
    path, protocol = random.choice(PATHS), random.choice([b"h2c", b"websocket"])
    head = b"POST %b HTTP/1.1\r\n%bConnection: Upgrade\r\nUpgrade: %b\r\n" % (path, JSON, protocol)
    inner = b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * random.choice([1, 100])
    await _send(writer, head + b"Content-Length: %d\r\n\r\n" % len(inner) + inner)
    await reader.read(READ_BYTES)


async def reset(random: Random, reader: StreamReader, writer: StreamWriter) -> None:
    """Go away in the middle of requests."""
    whole = b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % random.choice(PATHS)
    writer.write(whole * random.randrange(1, 4) + CLASSIFY[: random.randrange(len(CLASSIFY))])
    await asyncio.sleep(random.random() * PAUSE_SECONDS)
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    await asyncio.sleep(RESET_SECONDS)


async def after_rejection(random: Random, reader: StreamReader, writer: StreamWriter) -> None:
    """Go on sending a body that was rejected at once."""
    head = b"POST %b HTTP/1.1\r\n%b" % (random.choice(PATHS), JSON)
    close = random.choice([b"", b"Connection: close\r\n"])
    await _forever(
        writer, head + close + b"Content-Length: 9999999999\r\n\r\n", lambda: b" " * 50_000
    )


async def mixture(random: Random, reader: StreamReader, writer: StreamWriter) -> None:
    """Put pieces of requests together as they come, and change some bytes."""
    pieces = (
        *(CLASSIFY, POST, CHUNKED, JSON, BODY, b"\r\n", b"\r\n\r\n", b"0\r\n", b"5\r\nabcde\r\n"),
        *(b"GET / HTTP/1.1\r\n", b"Host: a\r\n", b"Host:\r\n", b"Expect: 100-continue\r\n"),
        *(b"Content-Length: 3\r\n", b"Transfer-Encoding: gzip, chunked\r\n", b"HTTP/1.0", b"\0"),
        *(b"Connection: upgrade\r\nUpgrade: h2c\r\n", b"HEAD /topics HTTP/1.1\r\n", b"a: b\r\n "),
        *(b"OPTIONS * HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"Connection: close\r\n"),
    )
    for _ in range(20):
        data = bytearray(b"".join(random.choices(pieces, k=random.randrange(1, 30))))
        for _ in range(random.choice([0, 0, 1, 5])):
            data[random.randrange(len(data))] = random.randrange(256)
        await _send(writer, bytes(data))
    with contextlib.suppress(OSError):
        writer.write_eof()
    await reader.read(READ_BYTES)


ATTACKS: Final[Mapping[str, Attack]] = {
    attack.__name__.replace("_", "-"): attack
    for attack in (
        *(trailers, chunk_extensions, chunks, pipeline, pipeline_unread, unfinished_head),
        *(unfinished_body, unknown_fields, upgrade, reset, after_rejection, mixture),
    )
}


async def attack(port: int, name: str, n_connections: int, seconds: float, seed: int) -> None:
    """Carry an attack out on so many connections at once, again as soon as one has ended."""

    async def come_again(number: int) -> None:
        random = Random(seed * 1_000 + number)  # noqa: S311
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    await ATTACKS[name](random, reader, writer)
                finally:
                    writer.transport.abort()
            await asyncio.sleep(PAUSE_SECONDS)

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.gather(*map(come_again, range(n_connections)))


if __name__ == "__main__":
    port_, name_, connections_, seconds_, seed_ = sys.argv[1:]
    asyncio.run(attack(int(port_), name_, int(connections_), float(seconds_), int(seed_)))
