"""Read files and standard input in batches of entries: texts, or errors in their place."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from errno import ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR
from itertools import count
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, Final, NamedTuple

from service.model import NewsText
from service.rows import CommandError, Row, batched, parse_line, to_news_text, to_row

STDIN: Final = "-"
STDIN_DESCRIPTOR: Final = 0
MAX_BYTES: Final = 16 * 2**20  # longest file of text, and longest line of JSON
CHUNK_BYTES: Final = 2**18
"""Bytes per read; a read from a pipe returns what is there, and that is classified at once."""
BATCH_TEXTS: Final = 1_000
NO_FILE: Final = (ELOOP, ENOENT, ENOTDIR, ENAMETOOLONG)  # name too long: a text instead of a file
MAX_DIGITS: Final = 100
JSON_SPACE: Final = " \t\r\n"
STRING_OR_CONSTANT: Final = re.compile(r'("(?:[^"\\]|\\.)*")|NaN|-?Infinity')
"""Strings of JSON, which may contain these words, and numbers that JSON does not have."""


class Entry(NamedTuple):
    """A text to classify, or an error."""

    file: str
    content: Row
    kept: str = ""
    """The JSON object of a line as it was written, without its closing bracket."""
    values: Mapping[str, Any] = {}
    """Values of that object by key; numbers are floats."""
    line: int | None = None  # line number in the file, from 1, if each line is a text
    size: int = 0  # bytes of the input

    @property
    def place(self) -> str:
        """File and line, for an error message."""
        return f"{self.file}, line {self.line}" if self.line else self.file


def check_inputs(files: Sequence[str]) -> int | None:
    """Return the bytes of all inputs; None if one is not a regular file.

    Raise CommandError, before the first prediction, if one does not exist.
    """
    sizes = []
    for path in (Path(file) for file in files if file != STDIN):
        try:
            status = path.stat()
        except OSError as error:
            if error.errno not in NO_FILE:
                raise
            hint = "; a text goes to standard input, with - as the file" if " " in path.name else ""
            raise CommandError(f"{path}: there is no such file{hint}") from error
        if S_ISDIR(status.st_mode):
            raise CommandError(f"{path}: expected a file, this is a folder")
        if S_ISREG(status.st_mode):
            sizes.append(status.st_size)
    return sum(sizes) if len(sizes) == len(files) else None


def read_texts(files: Sequence[str]) -> Iterator[list[Entry]]:
    """Read files of one text each; a file that cannot be read is an entry with an error."""
    return batched(map(_read_file, files), lambda entry: entry.size, CHUNK_BYTES, BATCH_TEXTS)


def read_text(file: str, title: str | None) -> NewsText:
    """Read one file, or raise CommandError; it may be blank if there is a title."""
    content = _read_file(file, title).content
    if isinstance(content, str):
        raise CommandError(f"{file}: {content}")
    return content


def _read_file(file: str, title: str | None = None) -> Entry:
    try:
        with _open(file) as stream:
            content = stream.read(MAX_BYTES + 1)  # once: a terminal ends each read by Ctrl-D
    except OSError as error:
        return Entry(file, f"cannot be read: {error.strerror}")
    if len(content) > MAX_BYTES:
        return Entry(file, _too_long(), size=len(content))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Entry(file, "expected UTF-8", size=len(content))
    return Entry(file, to_news_text(text, title), size=len(content))


def read_lines(files: Sequence[str], names: Collection[str]) -> Iterator[list[Entry]]:
    """Read JSON lines, except blank ones, or raise CommandError if a file cannot be read.

    ``names`` are keys of the results, which an object must not have.
    """
    for file in files:
        numbers = count(1)
        for lines in _batches_of_lines(file):
            numbered = zip(lines, numbers, strict=False)  # the lines first: no number is lost
            yield [parse_entry(file, n, line, names) for line, n in numbered if line.strip()]


def _batches_of_lines(file: str) -> Iterator[list[bytes]]:
    try:
        with _open(file) as stream:
            for lines in split_lines(iter(lambda: stream.read1(CHUNK_BYTES), b""), MAX_BYTES):
                yield from batched(lines, len, CHUNK_BYTES, BATCH_TEXTS)
    except OSError as error:
        raise CommandError(f"{file}: cannot be read: {error.strerror}") from error


def split_lines(chunks: Iterable[bytes], max_line_bytes: int) -> Iterator[list[bytes]]:
    """Yield the lines that end in each chunk, without their ends, then the unfinished last line.

    A line longer than ``max_line_bytes`` is cut somewhere after that length.
    """
    rest = bytearray()
    for chunk in chunks:
        *lines, last = chunk.split(b"\n")
        if lines:
            lines[0] = bytes(rest) + lines[0]
            rest.clear()
            yield lines
        if len(rest) <= max_line_bytes:
            rest += last
    if rest:
        yield [bytes(rest)]


def _open(file: str) -> Any:
    if file == STDIN:
        return open(STDIN_DESCRIPTOR, "rb", closefd=False)
    return Path(file).open("rb")


def parse_entry(file: str, number: int, line: bytes, names: Collection[str]) -> Entry:
    """Parse a line; the object is kept as it was written, but NaN and infinities become null."""
    entry = Entry(file, "", line=number, size=len(line) + 1)
    if len(line) > MAX_BYTES:
        return entry._replace(content=_too_long())
    value = parse_line(line, parse_int=_parse_int)
    if isinstance(value, str):
        return entry._replace(content=value)
    if taken := sorted(value.keys() & names):
        error = f"expected no key {taken[0]!r}: a result has that name; see --prefix"
        return entry._replace(content=error)
    text = line.decode("utf-8-sig").strip(JSON_SPACE)
    if "NaN" in text or "Infinity" in text:
        text = STRING_OR_CONSTANT.sub(lambda found: found[1] or "null", text)
    content = to_row(value.get("text"), value.get("title"))
    return entry._replace(content=content, kept=text[:-1].rstrip(JSON_SPACE), values=value)


def _parse_int(digits: str) -> int | float:
    """Return a number, rounded where ``int`` limits its length: it may be of a key that is kept."""
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


def _too_long() -> str:
    return f"expected at most {MAX_BYTES:,} bytes"
