"""From files and standard input to texts, a batch at a time; what is no text says why."""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from service.cli.errors import CommandError
from service.model import NewsText, describe_blank, is_blank
from service.model.strict_json import replace_surrogates

STDIN: Final = "-"
"""What standard input is called on the command line."""
STDIN_DESCRIPTOR: Final = 0
MAX_BYTES: Final = 16 * 2**20
"""Longest file of text, and longest line of JSON."""
CHUNK_BYTES: Final = 2**18
"""How much is read at once; of a pipe, what there is, so that a live one is answered at once."""
BATCH_TEXTS: Final = 1_000
"""How many texts are classified at once."""
JSON_SPACE: Final = " \t\r\n"
STRING_OR_CONSTANT: Final = re.compile(r'"(?:[^"\\]|\\.)*"|NaN|-?Infinity')
"""The tokens of JSON to look at where a number is none: a string may hold these words."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What was read: a text to classify, or why there is none.

    Attributes
    ----------
    file : str
        As it was named on the command line.
    content : NewsText or str
        A str says what was expected, and what came.
    line : int or None
        Its number in the file, from 1, if each line is a text of its own.
    kept : str
        The object that the line holds, as it was written, but for the bracket that closes it; empty
        if it holds none.
    """

    file: str
    content: NewsText | str
    line: int | None = None
    kept: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """What is classified together.

    Attributes
    ----------
    entries : sequence of Entry
    size : int
        How many bytes of the input it takes.
    """

    entries: Sequence[Entry]
    size: int


def check_readable(files: Sequence[str]) -> None:
    """Find out, before anything is answered, whether the inputs are there.

    Raises
    ------
    CommandError
        If one is not.
    """
    for file in files:
        if file == STDIN:
            continue
        if not Path(file).exists():
            raise CommandError(f"{file}: there is no such file")
        if Path(file).is_dir():
            raise CommandError(f"{file}: expected a file, this is a folder")


def total_size(files: Sequence[str]) -> int | None:
    """Give the bytes of all inputs; None if one is no regular file, so nobody knows."""
    if not all(file != STDIN and Path(file).is_file() for file in files):
        return None
    return sum(Path(file).stat().st_size for file in files)


def read_texts(files: Sequence[str]) -> Iterator[Batch]:
    """Read files of which each is a text; one that cannot be read says so in its place."""
    entries: list[Entry] = []
    size = 0
    for file in files:
        content, length = _read_file(file)
        entries.append(Entry(file, content))
        size += length
        if len(entries) == BATCH_TEXTS or size >= CHUNK_BYTES:
            yield Batch(entries, size)
            entries, size = [], 0
    if entries:
        yield Batch(entries, size)


def read_text(file: str, title: str | None = None) -> NewsText:
    """Read one file, which may be blank if there is a title.

    Raises
    ------
    CommandError
        If it cannot be read, or there is nothing to classify.
    """
    content, _ = _read_file(file, title)
    if isinstance(content, str):
        raise CommandError(f"{file}: {content}")
    return content


def _read_file(file: str, title: str | None = None) -> tuple[NewsText | str, int]:
    """Give the text of a file, or what is wrong with it, and its bytes."""
    try:
        with _open(file) as stream:
            content = bytearray()
            while len(content) <= MAX_BYTES and (chunk := stream.read(CHUNK_BYTES)):
                content += chunk
    except OSError as error:
        return f"cannot be read: {error.strerror}", 0
    if len(content) > MAX_BYTES:
        return _too_long(), len(content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "expected UTF-8", len(content)
    if is_blank(text, title):
        return describe_blank(text, title), len(content)
    return _to_news_text(text, title), len(content)


def read_lines(files: Sequence[str], names: Collection[str]) -> Iterator[Batch]:
    """Read files of which each line is an object with a text, a title or both, or blank.

    Parameters
    ----------
    files : sequence of str
    names : collection of str
        Keys that an object must not have, for they are the answer's.

    Raises
    ------
    CommandError
        If a file cannot be read.
    """
    for file in files:
        number = 0
        for lines, size in _batches_of_lines(file):
            entries = []
            for line in lines:
                number += 1
                if not line or line.isspace():
                    continue
                content, kept = parse_line(line, names)
                entries.append(Entry(file, content, number, kept))
            yield Batch(entries, size)


def _batches_of_lines(file: str) -> Iterator[tuple[list[bytes], int]]:
    """Give whole lines, and how many bytes they take; of too long a one, only that it is."""
    try:
        with _open(file) as stream:
            rest = bytearray()
            size = 0
            while chunk := stream.read(CHUNK_BYTES):
                size += len(chunk)
                *ends, last = chunk.split(b"\n")
                for start in range(0, len(ends), BATCH_TEXTS):
                    lines = ends[start : start + BATCH_TEXTS]
                    lines[0] = bytes(rest) + lines[0]
                    rest.clear()
                    yield lines, size
                    size = 0
                if len(rest) <= MAX_BYTES:  # of what is longer nothing more is kept
                    rest += last
            if rest:
                yield [bytes(rest)], size
    except OSError as error:
        raise CommandError(f"{file}: cannot be read: {error.strerror}") from error


def _open(file: str) -> Any:
    """Open without a buffer: a read gives what there is."""
    if file == STDIN:
        return open(STDIN_DESCRIPTOR, "rb", buffering=0, closefd=False)
    return Path(file).open("rb", buffering=0)


def parse_line(line: bytes, names: Collection[str]) -> tuple[NewsText | str, str]:
    """Give the text of a line, or what is wrong with it, and the object to add the answer to.

    That is as it was written, but for NaN, Infinity and -Infinity, which Python writes and JSON has
    not: they are null.

    Examples
    --------
    >>> parse_line(b'{"id": 7, "text": "Crude oil rose."}', {"topic"})
    (NewsText(text='Crude oil rose.', title=None), '{"id": 7, "text": "Crude oil rose."')
    """
    if len(line) > MAX_BYTES:
        return _too_long(), ""
    constants: list[str] = []
    try:
        text = line.decode("utf-8-sig").strip(JSON_SPACE)
        # numbers are kept as they are written, so nobody needs their values
        value = json.loads(text, parse_constant=constants.append, parse_int=float)
    except UnicodeDecodeError:
        return "expected UTF-8", ""
    except RecursionError:
        return "expected a JSON object: this one is nested too deeply", ""
    except json.JSONDecodeError as error:
        return f"expected a JSON object: {error.msg} at character {error.pos + 1}", ""
    if not isinstance(value, dict):
        return f"expected a JSON object, got {_kind_of(value)}", ""
    if taken := sorted(value.keys() & names):
        return f"expected no key {taken[0]!r}, which is the answer's: see --prefix", ""
    if constants:
        text = STRING_OR_CONSTANT.sub(_null_constant, text)
    return _news_text(value), text[:-1].rstrip(JSON_SPACE)


def _news_text(value: dict[str, Any]) -> NewsText | str:
    text, title = value.get("text"), value.get("title")
    if not isinstance(text, str | None):
        return f"text: expected a string, got {_kind_of(text)}"
    if not isinstance(title, str | None):
        return f"title: expected a string, got {_kind_of(title)}"
    if is_blank(text, title):
        return f"text, title: {describe_blank(text, title)}"
    return _to_news_text(text or "", title)


def _to_news_text(text: str, title: str | None) -> NewsText:
    return NewsText(replace_surrogates(text), None if title is None else replace_surrogates(title))


def _kind_of(value: object) -> str:
    """Name the kind of a value as JSON does."""
    names = {bool: "a boolean", float: "a number", str: "a string", list: "an array"}
    return "null" if value is None else names.get(type(value), "an object")


def _too_long() -> str:
    return f"expected at most {MAX_BYTES:,} bytes"


def _null_constant(found: re.Match[str]) -> str:
    token = found.group()
    return token if token.startswith('"') else "null"
