"""Markdown of generated parts of the documents."""

import inspect
import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

import yaml

from tests.conftest import ROOT

WIDTH: Final = 120


def block(*parts: str) -> str:
    """Return parts of a document, with blank lines around them: comments of cog are next to it."""
    return "\n" + "\n\n".join(part.strip("\n") for part in parts) + "\n\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a column without any text is left out."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    kept = [index for index in range(len(header)) if any(row[index] for row in cells)]
    lines = [list(header), ["---"] * len(header), *cells]
    return "".join(
        f"|{'|'.join(_pad(row[index], rule=number == 1) for index in kept)}|\n"
        for number, row in enumerate(lines)
    )


def _pad(cell: str, *, rule: bool) -> str:
    return cell if rule else f" {cell} " if cell else " "


def code(text: object) -> str:
    """Return inline code; empty for no text."""
    return f"`{text}`" if str(text) else ""


def codes(names: Iterable[object]) -> str:
    """Return inline code of several names."""
    return ", ".join(map(code, names))


def prose(docstring: str | None) -> str:
    """Return a docstring, or a part of it, as Markdown on one line."""
    return " ".join(rst(inspect.cleandoc(docstring or "")).split())


def rst(text: str) -> str:
    """Replace the inline markup of reStructuredText."""
    return text.replace("``", "`")


def first_paragraph(docstring: str | None) -> str:
    """Return the first paragraph of a docstring, on one line."""
    return prose(inspect.cleandoc(docstring or "").split("\n\n")[0])


def wrap(text: str, *, item: bool = False) -> str:
    """Return a paragraph, or an item of a list, in lines of the usual width."""
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent="- " if item else "",
        subsequent_indent="  " if item else "",
        break_long_words=False,
        break_on_hyphens=False,
    )


def slug(heading: str) -> str:
    """Return the anchor of a heading, as GitHub makes it."""
    plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip()).replace("`", "")
    return re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")


def load_yaml(path: str) -> object:
    """Return the content of a file of the project."""
    return yaml.safe_load((ROOT / path).read_text())
