"""Results of a command: tab-separated values, JSON lines, or a table on a terminal."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from service.cli.inputs import Batch, Entry
from service.cli.output import write_lines
from service.console import PlainConsole, print_error, printable, progress_bar
from service.model import Classification
from service.model.control_characters import escape_controls

Result = tuple[Entry, Classification | str]
"""A str is an error."""
HEADER: Final = ("file", "topic", "score", "topics", "known_words", "abstained", "no_topic")
ERROR: Final = "error"
RESULT_KEYS: Final = ("topic", "topics", "no_topic", "known_words", "abstained", "group")
"""As in a response of the service."""
PREDICTED: Final = "green"
ABSTAINED: Final = "yellow"


def result_keys(prefix: str) -> list[str]:
    """Return the keys that a result adds to a line."""
    return [prefix + name for name in (*RESULT_KEYS, ERROR)]


def to_json_line(result: Result, prefix: str = "") -> str:
    """Return a result as JSON, after the keys that its line had, as they were written."""
    entry, found = result
    added: dict[str, Any] = {} if entry.line else {"file": entry.file}
    if isinstance(found, str):
        where = {"file": entry.file, "line": entry.line} if entry.line else {}
        added[prefix + ERROR] = {**where, "message": found}
    else:
        values = _to_json_object(found)
        added |= {prefix + name: values[name] for name in RESULT_KEYS}
    text = to_json(added)
    if not entry.kept:
        return text
    separator = "" if entry.kept == "{" else ", "
    kept = entry.kept.replace("\r", " ")  # no string of JSON contains it
    return escape_controls(kept) + separator + text[1:]


def _to_json_object(found: Classification) -> dict[str, Any]:
    """Return the keys and values that a response of the service has."""
    topics = [
        {"topic": topic.code, "name": topic.name, "id": topic.id, "score": score}
        for topic, score in found.topics
    ]
    return {
        "topic": topics[0]["topic"],
        "topics": topics,
        "no_topic": found.no_topic,
        "known_words": found.known_words_ratio,
        "abstained": found.abstained,
        "group": found.group._asdict() if found.group else None,
    }


def to_json(value: object) -> str:
    """Return readable JSON that can be encoded as UTF-8, with control characters escaped."""
    text = escape_controls(json.dumps(value, ensure_ascii=False))
    try:
        text.encode()
    except UnicodeEncodeError:  # an unpaired surrogate, as in a file name that is no UTF-8
        return json.dumps(value)
    return text


def show_results(results: Sequence[Result], *, header: bool) -> None:
    """Print a table on a terminal, else tab-separated values; errors go to standard error."""
    found = [(entry, item) for entry, item in results if not isinstance(item, str)]
    if not sys.stdout.isatty():
        write_lines([*([tsv(HEADER)] if header else []), *(tsv(result_cells(*r)) for r in found)])
    elif found:
        PlainConsole().print(result_table(found))
    for entry, item in results:
        if isinstance(item, str):
            print_error(f"{entry.file}: {item}")


def tsv(cells: Iterable[str]) -> str:
    """Return a row of tab-separated values.

    White space in a cell becomes a blank, and a control character its escape. A cell that begins
    with ``=`` is not changed: import the column as text into a spreadsheet.
    """
    return "\t".join(printable(" ".join(cell.split())) for cell in cells)


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


def result_table(results: Sequence[tuple[Entry, Classification]]) -> Table:
    """Return a table of results; a topic is green unless the model abstained."""
    table = Table("file", "topic", "score", "next", "known words", "abstained", box=None)
    has_no_topic = any(found.no_topic is not None for _, found in results)
    if has_no_topic:
        table.add_column("no topic")
    for entry, found in results:
        (topic, score), *others = found.topics
        table.add_row(
            entry.file,
            Text(printable(topic.name), style=ABSTAINED if found.abstained else PREDICTED),
            f"{score:.3f}",
            ", ".join(f"{topic.name} {score:.3f}" for topic, score in others),
            f"{found.known_words_ratio:.0%}",
            (found.abstained or "").replace("_", " "),
            *([f"{found.no_topic:.3f}"] if has_no_topic else []),
        )
    return table


def with_progress(batches: Iterable[Batch], total: int | None) -> Iterator[Batch]:
    """Show a bar on standard error if that is a terminal and standard output is not."""
    console = PlainConsole(stderr=True)
    if not console.is_terminal or sys.stdout.isatty():
        yield from batches
        return
    with progress_bar(console, "{task.fields[texts]:,} texts") as progress:
        task = progress.add_task("", total=total, texts=0)
        texts = 0
        for batch in batches:
            yield batch
            texts += len(batch.entries)
            progress.update(task, advance=batch.size, texts=texts)
