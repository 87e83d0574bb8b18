"""The prose of the documents, apart from code, for linters of style."""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.conftest import ROOT

MAX_WORDS: Final = 35
"""Of a sentence."""
PAGES: Final = (
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "deploy").rglob("*.md")),
)
BETWEEN: Final = "\n---\n"
"""Between paragraphs, so that a word which ends one and begins the next is not found repeated."""
SENTENCE_END: Final = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)(?<! vs\.)\s+")
WORD: Final = re.compile(r"[\w'’.,%-]*\w")
UNCHECKED: Final = {
    "typography.symbols.curly_quotes": "code and forms have straight quotes",
    "typography.symbols.ellipsis": "so has code three dots",
    "typography.diacritical_marks": "to resume a run is no résumé",
}
"""Checks of proselint that are off, and why."""


class Sentence(NamedTuple):
    """A sentence, and the line of its paragraph."""

    page: Path
    line: int
    text: str

    @property
    def n_words(self) -> int:
        """Number of words."""
        return len(WORD.findall(self.text))

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}: {self.n_words} words: {self.text}"


def find_sentences(page: Path) -> Iterator[Sentence]:
    """Return the sentences of paragraphs, headings, list items and cells."""
    for line, text in _find_prose(page):
        for sentence in SENTENCE_END.split(text):
            yield Sentence(page, line, sentence)


def _find_prose(page: Path) -> Iterator[tuple[int, str]]:
    tokens = MarkdownIt("commonmark").enable("table").parse(page.read_text())
    for token in tokens:
        if token.type == "inline" and token.map:
            children = enumerate(token.children or ())
            yield token.map[0] + 1, "".join(_to_prose(child, number) for number, child in children)


def _to_prose(token: Token, number: int) -> str:
    match token.type:
        case "text":
            return token.content
        case "code_inline":  # a word, and another one than the code before it
            return f"ident{number}"
        case "softbreak" | "hardbreak":
            return " "
        case _:
            return ""


def find_long_sentences() -> list[str]:
    """Return the sentences of more than `MAX_WORDS` words, with their places."""
    sentences = [sentence for page in PAGES for sentence in find_sentences(page)]
    return [str(sentence) for sentence in sentences if sentence.n_words > MAX_WORDS]


def run_proselint(program: str) -> list[str]:
    """Return what proselint, of the environment docs, finds and where."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "config.json")
        config.write_text(json.dumps({"checks": dict.fromkeys(UNCHECKED, False)}))
        paragraphs = [(page, line, text) for page in PAGES for line, text in _find_prose(page)]
        prose = Path(folder, "prose.txt")
        prose.write_text(BETWEEN.join(text for _, _, text in paragraphs))
        shown = subprocess.run(
            [program, "check", "--config", config, "--output-format", "compact", prose],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
    for number, problem in re.findall(r"^\D*?(\d+):\d+: (.*)$", shown, re.MULTILINE):
        page, line, _ = paragraphs[(int(number) - 1) // BETWEEN.count("\n")]
        found.append(f"{page.relative_to(ROOT)}:{line}: {problem}")
    return found
