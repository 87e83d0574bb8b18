"""A mix of requests: short and long texts, batches, and invalid ones."""

import json
from collections.abc import Mapping
from random import Random
from typing import Final, NamedTuple

from tests.benchmarks.targets import ARTICLE, CLASSIFY

OF_JSON: Final = {"Content-Type": "application/json"}
OF_TEXT: Final = {"Content-Type": "text/plain"}
WORDS: Final = ARTICLE.split()
SEED: Final = 7


class Asked(NamedTuple):
    """A request, and the status that its answer must have."""

    kind: str
    path: str
    body: bytes
    headers: Mapping[str, str]
    status: int


def _of_words(n_words: int, *, first: int = 0) -> str:
    """Return a text of so many words."""
    return " ".join(WORDS[(first + number) % len(WORDS)] for number in range(n_words))


def _json(kind: str, content: object, path: str = "/classify", status: int = 200) -> Asked:
    return Asked(kind, path, json.dumps(content).encode(), OF_JSON, status)


def _batch(n_texts: int) -> dict[str, object]:
    return {"items": [{"text": _of_words(20 + number, first=number)} for number in range(n_texts)]}


SHORT: Final = Asked("short", "/classify", CLASSIFY, OF_JSON, 200)
SHARES: Final = (
    (600, SHORT),
    (120, _json("sentence", {"text": "Crude oil rose 40 cts to 18.50 dlrs a barrel."})),
    (50, _json("titled", {"title": "OPEC meets", "text": ARTICLE, "top_k": 46})),
    (60, Asked("plain text", "/classify?top_k=1", ARTICLE.encode(), OF_TEXT, 200)),
    (30, _json("long", {"text": _of_words(3_000)})),
    (4, _json("very long", {"text": _of_words(30_000)})),
    (40, _json("batch of 16", _batch(16), "/classify/batch")),
    (4, _json("batch of 256", _batch(256), "/classify/batch")),
    (32, _json("explanation", {"text": ARTICLE, "explain": True})),
    (
        30,
        _json(
            "open inference",
            {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": [ARTICLE]}]},
            "/v2/models/reuters/infer",
        ),
    ),
    (10, Asked("not JSON", "/classify", b'{"text": ', OF_JSON, 400)),
    (10, _json("no text", {"text": " "}, status=422)),
    (10, Asked("of another type", "/classify", b"<a/>", {"Content-Type": "text/xml"}, 415)),
)
"""Kinds of requests, in a thousand."""


def mixture() -> list[Asked]:
    """Return a thousand requests in a fixed order."""
    requests = [asked for share, asked in SHARES for _ in range(share)]
    Random(SEED).shuffle(requests)  # noqa: S311 - an order, not a secret
    return requests
