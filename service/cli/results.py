"""Results of a command: tab-separated values, JSON lines, or a table on a terminal."""

import sys
from collections.abc import Sequence
from typing import Any, Final

from rich.text import Text

from service.cli.inputs import Entry
from service.cli.output import to_json, write_rows
from service.console import print_error, printable
from service.model import Classification
from service.model.control_characters import escape_controls

Result = tuple[Entry, Classification | str]  # a str is an error
HEADER: Final = ("file", "topic", "score", "topics", "known_words", "abstained", "no_topic")
TABLE_HEADER: Final = ("file", "topic", "score", "next", "known_words", "abstained", "no_topic")
ERROR: Final = "error"
RESULT_KEYS: Final = ("topic", "topics", "no_topic", "known_words", "abstained", "group", ERROR)
"""Keys that a result adds to its line, after the prefix; as in a response of the service."""
PREDICTED: Final = "green"
ABSTAINED: Final = "yellow"


def to_json_line(result: Result, prefix: str = "") -> str:
    """Return a result as JSON, after the keys that its line had, as they were written."""
    entry, found = result
    added: dict[str, Any] = {} if entry.line else {"file": entry.file}
    if isinstance(found, str):
        where = {"file": entry.file, "line": entry.line} if entry.line else {}
        added[prefix + ERROR] = {**where, "message": found}
    else:
        added |= {prefix + name: value for name, value in found.to_json_object().items()}
    return keep_line(entry, added)


def keep_line(entry: Entry, added: dict[str, Any]) -> str:
    """Return keys as JSON, after the keys that the line of the entry had, as they were written."""
    text = to_json(added)
    if not entry.kept:
        return text
    separator = "" if entry.kept == "{" else ", "
    kept = entry.kept.replace("\r", " ")  # no string of JSON contains it
    return escape_controls(kept) + separator + text[1:]


def show_results(results: Sequence[Result], *, header: bool) -> None:
    """Print a table on a terminal, else tab-separated values; errors go to standard error."""
    found = [(entry, item) for entry, item in results if not isinstance(item, str)]
    if not sys.stdout.isatty():
        write_rows([result_cells(*each) for each in found], HEADER if header else ())
    elif found:
        has_no_topic = any(item.no_topic is not None for _, item in found)
        shown = slice(None if has_no_topic else TABLE_HEADER.index("no_topic"))
        write_rows([table_cells(*each)[shown] for each in found], TABLE_HEADER[shown])
    for entry, item in results:
        if isinstance(item, str):
            print_error(f"{entry.file}: {item}")


def result_cells(entry: Entry, found: Classification) -> tuple[str, ...]:
    """Return the cells that ``HEADER`` names."""
    (topic, score), *_ = found.topics
    return (
        entry.file,
        topic.code,
        f"{score:.6f}",
        " ".join(f"{topic.code}:{score:.6f}" for topic, score in found.topics),
        f"{found.known_words_ratio:.6f}",
        found.abstained or "",
        "" if found.no_topic is None else f"{found.no_topic:.6f}",
    )


def table_cells(entry: Entry, found: Classification) -> tuple[str | Text, ...]:
    """Return the cells that ``TABLE_HEADER`` names; a topic is green unless the model abstained."""
    (topic, score), *others = found.topics
    return (
        entry.file,
        Text(printable(topic.name), style=ABSTAINED if found.abstained else PREDICTED),
        f"{score:.3f}",
        ", ".join(f"{topic.name} {score:.3f}" for topic, score in others),
        f"{found.known_words_ratio:.0%}",
        (found.abstained or "").replace("_", " "),
        "" if found.no_topic is None else f"{found.no_topic:.3f}",
    )
