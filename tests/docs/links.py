"""Links of the documents: each relative link and each anchor leads somewhere."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from tests.conftest import ROOT
from tests.docs.markdown import slug

DOCUMENTS: Final = (*("*.md", ".github/**/*.md", "docs/**/*.md", "deploy/**/*.md"),)
FENCE: Final = re.compile(r"^ *(```+|~~~+).*?^ *\1 *$", re.MULTILINE | re.DOTALL)
INLINE_CODE: Final = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
HEADING: Final = re.compile(r"^#{1,6} +(.+?) *#* *$", re.MULTILINE)
LINK: Final = re.compile(r"\]\(\s*<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\s*\)")
DEFINITION: Final = re.compile(r"^ {0,3}\[([^\]^]+)\]:\s*<?(\S+?)>?(?:\s|$)", re.MULTILINE)
REFERENCE: Final = re.compile(r"\[[^\]]+\]\[([^\]]*)\]")
HTML: Final = re.compile(r"<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)=\"([^\"]+)\"")
OF_WORKFLOW: Final = re.compile(r"(?:\.\./)+actions/(workflows/[\w-]+\.yml)(?:/badge\.svg)?")
"""A page of the forge, or a badge, as a link from the README."""
ABSOLUTE: Final = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)


def documents() -> list[Path]:
    """Return the documents whose links are checked."""
    return [path for pattern in DOCUMENTS for path in sorted(ROOT.glob(pattern))]


def broken_links(path: Path) -> list[str]:
    """Return the links of a document that lead nowhere, each with what is missing."""
    return list(dict.fromkeys(_broken_links(path)))


def _broken_links(path: Path) -> Iterator[str]:
    text = INLINE_CODE.sub("", FENCE.sub("", path.read_text()))
    definitions = {name.lower(): target for name, target in DEFINITION.findall(text)}
    for name in REFERENCE.findall(text):
        if name and name.lower() not in definitions:
            yield f"[{name}]: not defined"
    for link in (*LINK.findall(text), *definitions.values(), *HTML.findall(text)):
        if not ABSOLUTE.match(link) and (missing := _missing(path, link)):
            yield f"{link}: {missing}"


def _missing(path: Path, link: str) -> str:
    """Return what a relative link lacks; empty if it leads somewhere."""
    if workflow := OF_WORKFLOW.fullmatch(link):
        return "" if (ROOT / ".github" / workflow[1]).is_file() else "no such workflow"
    name, _, anchor = unquote(link).partition("#")
    target = (path.parent / name).resolve() if name else path
    if not target.is_relative_to(ROOT.resolve()):
        return "outside of the project"
    if not target.exists():
        return "no such file"
    if anchor and anchor not in anchors(target):
        return "no such heading"
    if anchor and "--" in anchor:
        return "the site has an anchor with one hyphen: rename the heading"
    return ""


@cache
def anchors(path: Path) -> frozenset[str]:
    """Return the anchors of a document, as GitHub makes them of its headings."""
    if path.suffix != ".md":
        return frozenset()
    found: dict[str, int] = {}
    for heading in HEADING.findall(FENCE.sub("", path.read_text())):
        name = slug(heading)
        count = found.get(name, -1) + 1
        found[name] = count
        if count:
            found[f"{name}-{count}"] = 0
    return frozenset(found)
