"""Rows of input files: a text to classify, or the reason why there is none."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from service.model import (
    Classification,
    InferenceError,
    NewsText,
    TopicClassifier,
    describe_blank,
    is_blank,
)
from service.model.strict_json import replace_surrogates

Row = NewsText | str
"""A str is the error of a row that has nothing to classify."""
_KINDS: Final = {bool: "a boolean", int: "a number", float: "a number", str: "a string"}


class PredictionOptions(NamedTuple):
    """Options of a prediction, as in a request to the service."""

    top_k: int
    min_confidence: float | None


class LineError(ValueError):
    """A line is not a JSON object; the message says what was expected and what came."""


def split_lines(
    chunks: Iterable[bytes], max_line_bytes: int = sys.maxsize
) -> Iterator[list[bytes]]:
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


def parse_line(
    line: bytes,
    parse_int: Callable[[str], Any] | None = None,
    parse_constant: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Parse a JSON object in UTF-8; NaN and infinities, which JSON does not have, are None.

    Raises
    ------
    LineError
        If the line is something else.
    """
    try:
        value = json.loads(
            line.decode("utf-8-sig"), parse_int=parse_int, parse_constant=parse_constant
        )
    except UnicodeDecodeError as error:
        raise LineError("expected UTF-8") from error
    except RecursionError as error:
        raise LineError("expected a JSON object, got one nested too deeply") from error
    except json.JSONDecodeError as error:
        raise LineError(
            f"expected a JSON object: {error.msg} at character {error.pos + 1}"
        ) from error
    except ValueError as error:  # more digits than Python converts
        raise LineError("expected a JSON object, got a number with too many digits") from error
    if not isinstance(value, dict):
        raise LineError(f"expected a JSON object, got {kind_of(value)}")
    return value


def to_row(text: object, title: object, names: tuple[str, str] = ("text", "title")) -> Row:
    """Return the text of a row, or its error; ``names`` are the names of both fields."""
    if not isinstance(text, str | None):
        return f"{names[0]}: expected a string or null, got {kind_of(text)}"
    if not isinstance(title, str | None):
        return f"{names[1]}: expected a string or null, got {kind_of(title)}"
    if is_blank(text, title):
        return f"{', '.join(names)}: {describe_blank(text, title)}"
    return to_news_text(text or "", title)


def to_news_text(text: str, title: str | None) -> NewsText:
    """Return a text without unpaired surrogates."""
    return NewsText(replace_surrogates(text), None if title is None else replace_surrogates(title))


def kind_of(value: object) -> str:
    """Return the JSON type of a value."""
    if value is None:
        return "null"
    return _KINDS.get(type(value), "an array" if isinstance(value, list) else "an object")


def classify_rows(
    classifier: TopicClassifier, rows: Sequence[Row], options: PredictionOptions
) -> list[Classification | str]:
    """Classify the rows that are texts; return an error in place of each other row.

    If the model fails on a text, only that row gets an error.
    """
    texts = [row for row in rows if isinstance(row, NewsText)]
    results = iter(_classify(classifier, texts, options))
    return [row if isinstance(row, str) else next(results) for row in rows]


def _classify(
    classifier: TopicClassifier, texts: Sequence[NewsText], options: PredictionOptions
) -> list[Classification | str]:
    try:
        return list(classifier.classify(texts, **options._asdict()))
    except InferenceError as error:
        if len(texts) == 1:
            return [str(error)]
        return [result for text in texts for result in _classify(classifier, [text], options)]
