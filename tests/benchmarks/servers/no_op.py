"""The least that a server can do: read the body, answer ``{}``."""

import sys
from typing import Any

from tests.benchmarks.servers.serving import serve

ANSWER = [
    {
        "type": "http.response.start",
        "status": 200,
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"2")],
    },
    {"type": "http.response.body", "body": b"{}"},
]


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Read the whole body, and answer."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    for message in ANSWER:
        await send(message)


if __name__ == "__main__":
    serve(app, int(sys.argv[1]))
