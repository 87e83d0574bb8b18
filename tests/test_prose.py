"""The prose of the documents: sentences are short, and proselint finds nothing."""

import re
import textwrap
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.manifests import find_tool
from tests.docs import prose
from tests.docs.prose import MAX_WORDS, find_long_sentences, find_sentences, run_proselint

PAGE: Final = """
# A heading of five words

One sentence, e.g. this; its second part.
It ends here, with `code --option` in it, and 1.5 of [a link](https://example.org/a/long.path).

| a cell | another |
|---|---|
| of a row. Of two sentences | `code` |

```console
$ a command is no prose
```
"""


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "page.md"
    monkeypatch.setattr(prose, "ROOT", tmp_path)
    monkeypatch.setattr(prose, "PAGES", (path,))
    return path


@pytest.fixture
def proselint() -> str:
    return find_tool("proselint", "docs")


def test_sentences(page: Path) -> None:
    page.write_text(PAGE)
    sentences = [(sentence.line, sentence.n_words) for sentence in find_sentences(page)]
    assert sentences == [
        *[(2, 5), (4, 7), (4, 12)],
        *[(7, 2), (7, 1), (9, 3), (9, 3), (9, 1)],
    ]


def test_long_sentences_are_found(page: Path) -> None:
    long = " ".join(["word"] * (MAX_WORDS + 1))
    page.write_text(f"Short.\n\n- {long}.\n")
    (found,) = find_long_sentences()
    assert found.startswith(f"page.md:3: {MAX_WORDS + 1} words: word word")


def test_proselint_finds_places(page: Path, proselint: str) -> None:
    page.write_text(
        textwrap.dedent(
            """
            One word

            word, with "straight quotes" and three dots...

            This is very
            unique.

            ```text
            This is very unique.
            ```
            """
        )
    )
    found = run_proselint(proselint)
    assert {re.match(r"page\.md:(\d+): ", line).group(1) for line in found} == {"6"}  # type: ignore[union-attr]
    assert any("weasel_words.very" in line for line in found)


def test_no_sentence_is_long() -> None:
    assert find_long_sentences() == []


def test_proselint_finds_nothing(proselint: str) -> None:
    assert run_proselint(proselint) == []
