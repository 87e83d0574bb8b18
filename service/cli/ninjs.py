"""Results of ``--ninjs``: documents of IPTC's News in JSON, version 2.1, one a line."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from service.cli.inputs import STDIN, Entry
from service.cli.output import to_json
from service.cli.results import Result
from service.console import print_error
from service.model import NewsText
from service.model.record_checks import URI

STANDARD: Final = {
    "name": "ninjs",
    "version": "2.1",
    "schema": "https://iptc.org/std/ninjs/ninjs-schema_2.1.json",
}
STDIN_URI: Final = "urn:newswire-topics:stdin"


def ninjs_lines(results: Iterable[Result]) -> list[str]:
    """Return a document for each text, as JSON, and print the errors of the others."""
    lines = []
    for entry, found in results:
        if isinstance(found, str):
            place = f"{entry.file}, line {entry.line}" if entry.line else entry.file
            print_error(f"{place}: {found}")
        else:
            subjects = [subject._asdict() for subject in found.subjects or ()]
            lines.append(to_json(_document(entry, subjects)))
    return lines


def _document(entry: Entry, subjects: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a partial document: its subjects, and what tells which text it is of."""
    title = entry.content.title if isinstance(entry.content, NewsText) else None
    return {
        "uri": _uri(entry),
        "type": "text",
        "representationtype": "partial",
        **({"headlines": [{"value": title}]} if title else {}),
        "subjects": subjects,
        "standard": STANDARD,
    }


def _uri(entry: Entry) -> str:
    """Return the ``uri`` of a line of JSON if it is one, else the address of file and line."""
    if entry.line is None:
        return _file_uri(entry.file)
    uri = entry.values.get("uri")
    if isinstance(uri, str) and URI.fullmatch(uri):
        return uri
    return f"{_file_uri(entry.file)}#line={entry.line - 1},{entry.line}"  # RFC 5147


def _file_uri(file: str) -> str:
    return STDIN_URI if file == STDIN else Path(file).absolute().as_uri()
