"""Results of ``newswire classify``: JSON lines, ninjs, tab-separated values, a table."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from service.cli.inputs import STDIN, Entry
from service.cli.output import to_json, write_rows
from service.model import Classification, NewsText
from service.model.control_characters import escape_controls
from service.model.ranking import RankedTopic
from service.model.record_checks import URI

HEADER: Final = ("file", "topic", "score", "topics", "known_words", "abstained", "no_topic")
ERROR: Final = "error"
ALL_TOPICS: Final = "all_topics"
"""Column and key with every topic of a text, if these are requested."""
RESULT_KEYS: Final = ("topic", "topics", "no_topic", "known_words", "abstained", "group", ERROR)
"""Keys that a result adds to its line, after the prefix; as in a response of the service."""
NINJS: Final = {
    "name": "ninjs",
    "version": "2.1",
    "schema": "https://iptc.org/std/ninjs/ninjs-schema_2.1.json",
}
STDIN_URI: Final = "urn:newswire-topics:stdin"


def to_json_line(entry: Entry, found: Classification | str, prefix: str = "") -> str:
    """Return the JSON of an entry's line as written, with a result or an error added."""
    added: dict[str, Any] = {} if entry.line else {"file": entry.file}
    if isinstance(found, str):
        where = {"file": entry.file, "line": entry.line} if entry.line else {}
        added[prefix + ERROR] = {**where, "message": found}
    else:
        added |= {prefix + name: value for name, value in found.to_json_object().items()}
    return keep_line(entry, added)


def keep_line(entry: Entry, added: dict[str, Any]) -> str:
    """Return the JSON of an entry's line as written, with keys added."""
    text = to_json(added)
    if not entry.kept:
        return text
    separator = "" if entry.kept == "{" else ", "
    kept = entry.kept.replace("\r", " ")  # only white space of JSON contains it
    return escape_controls(kept) + separator + text[1:]


def to_ninjs(entry: Entry, found: Classification) -> dict[str, Any]:
    """Return a partial document of ninjs: the subjects, title and URI of the text."""
    title = entry.content.title if isinstance(entry.content, NewsText) else None
    return {
        "uri": _uri(entry),
        "type": "text",
        "representationtype": "partial",
        **({"headlines": [{"value": title}]} if title else {}),
        "subjects": [subject._asdict() for subject in found.subjects or ()],
        "standard": NINJS,
    }


def _uri(entry: Entry) -> str:
    """Return the ``uri`` of a line of JSON if it is a URI, else the address of file and line."""
    uri = entry.values.get("uri")
    if isinstance(uri, str) and URI.fullmatch(uri):
        return uri
    file = STDIN_URI if entry.file == STDIN else Path(entry.file).absolute().as_uri()
    return f"{file}#line={entry.line - 1},{entry.line}" if entry.line else file  # RFC 5147


def show_results(
    results: Sequence[tuple[Entry, Classification]], *, header: bool, all_topics: bool
) -> None:
    """Print a table on a terminal, else tab-separated values.

    With ``all_topics``, which the results must then have, these are the last column.
    """
    if not sys.stdout.isatty():
        names = (*HEADER, ALL_TOPICS) if all_topics else HEADER
        write_rows([result_cells(*each) for each in results], names if header else ())
    elif results:
        rows = [table_row(*each) for each in results]
        write_rows([[*row.values()] for row in rows], list(rows[0]))


def result_cells(entry: Entry, found: Classification) -> tuple[str, ...]:
    """Return the cells that ``HEADER`` names, and that of ``ALL_TOPICS`` if they were found."""
    (topic, score), *_ = found.topics
    all_topics = () if found.all_topics is None else (_codes_and_scores(found.all_topics),)
    return (
        entry.file,
        topic.code,
        f"{score:.6f}",
        _codes_and_scores(found.topics),
        f"{found.known_words_ratio:.6f}",
        found.abstained or "",
        "" if found.no_topic is None else f"{found.no_topic:.6f}",
        *all_topics,
    )


def _codes_and_scores(topics: Sequence[RankedTopic]) -> str:
    return " ".join(f"{topic.code}:{score:.6f}" for topic, score in topics)


def table_row(entry: Entry, found: Classification) -> dict[str, str | Text]:
    """Return cells by column, as far as the model has them; reliable topics are green."""
    (topic, score), *others = found.topics
    row: dict[str, str | Text] = {
        "file": entry.file,
        "topic": Text(topic.name, "yellow" if found.abstained else "green"),
        "score": f"{score:.3f}",
        "next": _names_and_scores(others),
        "known_words": f"{found.known_words_ratio:.0%}",
        "abstained": (found.abstained or "").replace("_", " "),
    }
    if found.no_topic is not None:
        row["no_topic"] = f"{found.no_topic:.3f}"
    if found.all_topics is not None:
        row[ALL_TOPICS] = _names_and_scores(found.all_topics)
    return row


def _names_and_scores(topics: Sequence[RankedTopic]) -> str:
    return ", ".join(f"{topic.name} {score:.3f}" for topic, score in topics)
