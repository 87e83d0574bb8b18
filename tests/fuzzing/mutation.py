"""Mutations that bit flips would not find: hostile characters, and other JSON."""

import json
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Final

CHARACTERS: Final = [
    character.encode(errors="surrogatepass")
    for character in (
        *("\0", "\r\n", "\t", "\x1c", "\x85", "\u2028", "\u3000", "'", '"', "\\", "#12", ":"),
        *("’", "‘", "…", "\u00ad", "\u200b", "\u202e", "\ufeff", "e\u0301", "\ud83d", "\U0001f600"),
        *("İ", "ΑΣ", "ß", "ﬁ", "Ǆ", "٣٤", "②", "石油", "\U000e0001", "\uffff"),
    )
]
RAW: Final = "\ue000raw\ue000"
"""Stands for a piece of `HOSTILE_JSON` in a document until it is written."""
HOSTILE_JSON: Final = (
    *("1e999", "-1e999", "NaN", "Infinity", "-0", "0.0", "1.0", "-1", "2", "3", "1" * 5_000),
    *("9223372036854775807", "9223372036854775808", "4294967296", "1e-400", "0.1", "2e0"),
    *(
        "null",
        "true",
        "false",
        "{}",
        "[]",
        '""',
        '" "',
        r'"\ud83d"',
        r'"\u0000"',
        r'"\ud83d\ude00"',
    ),
    *('"a":1,"a":2', '"\xe9"', "[[]]", "[" * 300 + "]" * 300, "[" * 90_000, '{"a":' * 300 + "1"),
    *("/**/", "'a'", ",", "\ufeff", r'"\u0065xplain"', '"' + "word " * 5_000 + '"'),
)
CHANGES: Final = (
    *("replace", "replace", "number", "text", "remove", "repeat", "rename", "exchange"),
)
HUGE: Final = 2**128
"""From here on, numbers are not changed by reckoning."""


def insert(data: bytes, pieces: Sequence[bytes], random: Random) -> bytes:
    """Put a piece somewhere, perhaps in the place of something."""
    start = random.randint(0, len(data))
    end = random.choice((start, random.randint(start, len(data))))
    return data[:start] + random.choice(pieces) + data[end:]


def change_json(content: bytes, random: Random) -> bytes:
    """Change a value of a document, or its text if it is none."""
    try:
        document = [json.loads(content)]
    except (ValueError, RecursionError):
        pieces = [piece.encode() for piece in HOSTILE_JSON]
        return insert(content, random.choice((pieces, CHARACTERS)), random)
    holder, key = random.choice(list(_places(document)))
    _change(holder, key, random, document)
    written = json.dumps(document[0] if document else None, ensure_ascii=random.random() < 0.5)
    for raw in (json.dumps(RAW), json.dumps(RAW, ensure_ascii=False)):
        written = written.replace(raw, random.choice(HOSTILE_JSON))
    return written.encode(errors="surrogatepass")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each container and key or index in a document."""
    if isinstance(value, dict):
        keys: list[Any] = list(value)
    else:
        keys = list(range(len(value))) if isinstance(value, list) else []
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _change(holder: Any, key: Any, random: Random, document: list[Any]) -> None:
    """Replace, remove, repeat, rename or exchange the value at a place."""
    value = holder[key]
    match random.choice(CHANGES):
        case "number" if isinstance(value, int | float) and abs(value) < HUGE:
            holder[key] = random.choice((-value, value + 1, value / 3, value * 2**64, str(value)))
        case "text" if isinstance(value, str):
            piece = random.choice(CHARACTERS).decode(errors="surrogatepass")
            start = random.randint(0, len(value))
            holder[key] = value[:start] + piece + value[start + random.choice((0, 1)) :]
        case "remove":
            del holder[key]
        case "repeat" if isinstance(holder, list):
            holder[key:key] = [value] * random.choice((1, 2, 300))
        case "rename" if isinstance(holder, dict):
            holder[random.choice((*holder, RAW, "\0", key + key))] = holder.pop(key)
        case "exchange":
            other, place = random.choice(list(_places(document)))
            holder[key] = other[place] if isinstance(other[place], str | int | float) else None
        case _:
            holder[key] = RAW
