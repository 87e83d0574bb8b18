"""Rows of input files: a text to classify, or the reason why there is none."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from service.model import (
    Classification,
    InferenceError,
    NewsText,
    NewswireError,
    TopicClassifier,
    describe_blank,
    is_blank,
)
from service.model.outputs import TOPIC_PROBABILITIES
from service.model.strict_json import replace_surrogates

Row = NewsText | str  # a str is the error of a row that has nothing to classify
Item = TypeVar("Item")
JSON_TYPES: Final = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}


class CommandError(NewswireError):
    """An input, an output or an option is not valid, or a run failed; the message is one line."""


class PredictionOptions(NamedTuple):
    """Options of a prediction, as in a request to the service."""

    top_k: int
    min_confidence: float | None
    all_topics: bool = False
    subjects: bool = False


def resolve_options(
    top_k: int | None,
    min_confidence: float | None,
    classifier: TopicClassifier,
    *,
    all_topics: bool = False,
    subjects: bool = False,
) -> PredictionOptions:
    """Return the options, or raise CommandError if the model does not support them."""
    n_topics = len(classifier.topics)
    bundle = f"bundle {classifier.manifest.version} of {classifier.manifest.name}"
    if top_k is not None and top_k > n_topics:
        raise CommandError(f"--top-k: expected 1 to {n_topics}, got {top_k}")
    if all_topics and not classifier.finds_all_topics:
        raise CommandError(
            f"--all-topics: expected a model with the output {TOPIC_PROBABILITIES}, got {bundle} "
            "without it: choose another by --model-dir, or train one with the recipe linear"
        )
    if subjects and not classifier.has_subjects:
        raise CommandError(
            f"subjects: expected a model whose topics have subjects, got {bundle} without any: "
            "choose another by --model-dir, or train one with subjects in --topics topics.json"
        )
    return PredictionOptions(
        top_k or classifier.default_top_k, min_confidence, all_topics, subjects
    )


def find_repeated_file(paths: Sequence[Path]) -> Path | None:
    """Return the first path that leads to the same file as an earlier one.

    Links and relative paths are followed; files that do not exist are compared by their paths.
    """
    seen: set[object] = set()
    for path in paths:
        try:
            stat = path.stat()
            file: object = (stat.st_dev, stat.st_ino)
        except OSError:
            file = path.resolve()
        if file in seen:
            return path
        seen.add(file)
    return None


def batched(
    items: Iterable[Item],
    size_of: Callable[[Item], int],
    max_size: int,
    max_items: int = sys.maxsize,
) -> Iterator[list[Item]]:
    """Yield lists of items; the item that reaches a maximum is the last of its list."""
    batch: list[Item] = []
    size = 0
    for item in items:
        batch.append(item)
        size += size_of(item)
        if size >= max_size or len(batch) >= max_items:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def parse_line(line: bytes, parse_int: Callable[[str], Any] | None = None) -> dict[str, Any] | str:
    """Parse a JSON object in UTF-8, or return the error.

    NaN and infinities, which JSON does not have, become None.
    """
    try:
        value = json.loads(
            line.decode("utf-8-sig"), parse_int=parse_int, parse_constant=lambda _: None
        )
    except UnicodeDecodeError:
        return "expected UTF-8"
    except RecursionError:
        return "expected a JSON object, got one nested too deeply"
    except json.JSONDecodeError as error:
        return f"expected a JSON object: {error.msg} at character {error.pos + 1}"
    except ValueError:  # more digits than Python converts
        return "expected a JSON object, got a number with too many digits"
    if not isinstance(value, dict):
        return f"expected a JSON object, got {JSON_TYPES[type(value)]}"
    return value


def to_row(text: object, title: object, names: tuple[str, str] = ("text", "title")) -> Row:
    """Return the text of a row, or its error; ``names`` are the names of both fields."""
    if not isinstance(text, str | None):
        return f"{names[0]}: expected a string or null, got {JSON_TYPES[type(text)]}"
    if not isinstance(title, str | None):
        return f"{names[1]}: expected a string or null, got {JSON_TYPES[type(title)]}"
    row = to_news_text(text or "", title)
    return f"{', '.join(names)}: {row}" if isinstance(row, str) else row


def to_news_text(text: str, title: str | None) -> Row:
    """Return a text without unpaired surrogates, or the error of a blank one."""
    if is_blank(text, title):
        return describe_blank(text, title)
    return NewsText(replace_surrogates(text), None if title is None else replace_surrogates(title))


def classify_rows(
    classifier: TopicClassifier, rows: Sequence[Row], options: PredictionOptions
) -> list[Classification | str]:
    """Classify the rows that are texts; return an error in place of each other row.

    If the model fails on a text, only that row gets an error.
    """
    texts = [row for row in rows if isinstance(row, NewsText)]
    try:
        results = iter(classifier.classify(texts, **options._asdict()))
    except InferenceError as error:
        if len(rows) == 1:
            return [str(error)]
        return [result for row in rows for result in classify_rows(classifier, [row], options)]
    return [row if isinstance(row, str) else next(results) for row in rows]
