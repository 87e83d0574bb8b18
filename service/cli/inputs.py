"""Read files and standard input in batches of entries: texts, or errors in their place."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from service.console import CommandError
from service.model import NewsText, describe_blank, is_blank
from service.rows import LineError, Row, parse_line, split_lines, to_news_text, to_row

STDIN: Final = "-"
STDIN_DESCRIPTOR: Final = 0
MAX_BYTES: Final = 16 * 2**20
"""Longest file of text, and longest line of JSON."""
CHUNK_BYTES: Final = 2**18
"""Bytes per read; a read from a pipe returns what is there, and that is classified at once."""
BATCH_TEXTS: Final = 1_000
JSON_SPACE: Final = " \t\r\n"
STRING_OR_CONSTANT: Final = re.compile(r'"(?:[^"\\]|\\.)*"|NaN|-?Infinity')
"""Strings of JSON, which may contain these words, and numbers that JSON does not have."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A text to classify, or an error.

    Attributes
    ----------
    file : str
        Name on the command line.
    content : NewsText or str
        A str is an error.
    line : int or None
        Line number in the file, from 1, if each line is a text.
    kept : str
        The JSON object of the line as it was written, without its closing bracket; empty if the
        line is no object.
    """

    file: str
    content: Row
    line: int | None = None
    kept: str = ""


class Batch(NamedTuple):
    """Entries to classify together, and their size in bytes of the input."""

    entries: Sequence[Entry]
    size: int


def check_readable(files: Sequence[str]) -> None:
    """Check before the first prediction that all inputs exist.

    Raises
    ------
    CommandError
        If one does not.
    """
    for path in (Path(file) for file in files if file != STDIN):
        if not path.exists():
            raise CommandError(f"{path}: there is no such file")
        if path.is_dir():
            raise CommandError(f"{path}: expected a file, this is a folder")


def total_size(files: Sequence[str]) -> int | None:
    """Return the bytes of all inputs; None if one is no regular file."""
    if not all(file != STDIN and Path(file).is_file() for file in files):
        return None
    return sum(Path(file).stat().st_size for file in files)


def read_texts(files: Sequence[str]) -> Iterator[Batch]:
    """Read files of one text each; a file that cannot be read is an entry with an error."""
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


def _read_file(file: str, title: str | None = None) -> tuple[Row, int]:
    """Return the text of a file, or its error, and its size in bytes."""
    content = bytearray()
    try:
        with _open(file) as stream:
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
    return to_news_text(text, title), len(content)


def read_lines(files: Sequence[str], names: Collection[str]) -> Iterator[Batch]:
    """Read JSON lines; blank lines are skipped.

    Parameters
    ----------
    files : sequence of str
    names : collection of str
        Keys of the results, which an object must not have.

    Raises
    ------
    CommandError
        If a file cannot be read.
    """
    for file in files:
        number = 0
        for lines in _batches_of_lines(file):
            entries = []
            for line in lines:
                number += 1
                if line and not line.isspace():
                    entries.append(Entry(file, *parse_entry(line, names, number)))
            yield Batch(entries, sum(map(len, lines)) + len(lines))


def _batches_of_lines(file: str) -> Iterator[list[bytes]]:
    try:
        with _open(file) as stream:
            chunks = iter(lambda: stream.read(CHUNK_BYTES), b"")
            for lines in split_lines(chunks, MAX_BYTES):
                for start in range(0, len(lines), BATCH_TEXTS):
                    yield lines[start : start + BATCH_TEXTS]
    except OSError as error:
        raise CommandError(f"{file}: cannot be read: {error.strerror}") from error


def _open(file: str) -> Any:
    """Open without a buffer, so that a read returns what is there."""
    if file == STDIN:
        return open(STDIN_DESCRIPTOR, "rb", buffering=0, closefd=False)
    return Path(file).open("rb", buffering=0)


def parse_entry(line: bytes, names: Collection[str], number: int = 1) -> tuple[Row, int, str]:
    """Return the text of a line or its error, the line number, and the object to add results to.

    The object is kept as it was written, except that NaN and infinities become null.

    Examples
    --------
    >>> parse_entry(b'{"id": 7, "text": "Crude oil rose."}', {"topic"})
    (NewsText(text='Crude oil rose.', title=None), 1, '{"id": 7, "text": "Crude oil rose."')
    """
    if len(line) > MAX_BYTES:
        return _too_long(), number, ""
    constants: list[str] = []
    try:
        # parse_int: the values of numbers are not needed, and int() limits their length
        value = parse_line(line, parse_int=float, parse_constant=constants.append)
    except LineError as error:
        return str(error), number, ""
    if taken := sorted(value.keys() & names):
        return f"expected no key {taken[0]!r}: a result has that name; see --prefix", number, ""
    text = line.decode("utf-8-sig").strip(JSON_SPACE)
    if constants:
        text = STRING_OR_CONSTANT.sub(_null_constant, text)
    row = to_row(value.get("text"), value.get("title"))
    return row, number, text[:-1].rstrip(JSON_SPACE)


def _too_long() -> str:
    return f"expected at most {MAX_BYTES:,} bytes"


def _null_constant(found: re.Match[str]) -> str:
    token = found.group()
    return token if token.startswith('"') else "null"
