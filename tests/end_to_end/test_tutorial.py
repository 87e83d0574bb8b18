"""Every tutorial is run word for word, the service included, and shows what the commands print."""

import json
import re
from collections import Counter
from itertools import chain
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.end_to_end.tutorial import (
    NEEDS_DATA,
    PICTURES,
    TUTORIALS,
    Step,
    fill,
    find_difference,
    read_blocks,
    read_session,
    run_steps,
)
from tests.training.data_check.texts import read_files
from training.data.loading import read_input_rows
from training.data.options import DataOptions

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

FOLDER = ROOT / "docs" / "tutorials"
PNG = b"\x89PNG"
DESK, CULTURE = FOLDER / "desk.jsonl", FOLDER / "culture.jsonl"


def test_there_are_tutorials() -> None:
    names = {"first-text", "own-topics", "from-notebook-to-production"}
    assert {path.stem for path in TUTORIALS} == names


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_commands_print_what_the_page_shows(
    path: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    page = path.read_text()
    steps = [*chain.from_iterable(read_blocks(page)), *read_session(page)]
    assert len(steps) >= 6
    data_dir = request.getfixturevalue("data_dir") if NEEDS_DATA in page else None
    outputs = run_steps(steps, tmp_path, data_dir)
    different = {
        step.command: difference
        for step, output in zip(steps, outputs, strict=True)
        if (difference := find_difference(step.output, output))
    }
    assert different == {}, "python -m tests.end_to_end.tutorial writes the page anew"
    if path.stem in PICTURES:
        drawn, name = PICTURES[path.stem]
        assert (tmp_path / drawn).read_bytes().startswith(PNG)
        assert path.with_name(name).read_bytes().startswith(PNG)
        assert f"({name})" in page


def test_what_may_vary() -> None:
    assert find_difference("accuracy 0.9310 │ 110 µs\n", "accuracy  0.9301 │ 2,110 µs\n") is None
    assert find_difference("━━━\nA\n", "━━━━━\nFitting to all folds 1/11\nA\n") is None
    assert find_difference("1.04e-14\n", "9e-13\n") is None
    assert find_difference("below: a 0.00 │\n", "below: a 0.00, b 0.19 │\n") is None
    assert find_difference("accuracy 0.93\n", "accuracy 0.83\n")
    assert find_difference("6 rows\n", "7 rows\n")
    assert find_difference("A\nB\n", "A\n") == "expected 'B', got ''"


def test_precision_of_few_texts_may_vary() -> None:
    row = "│ headlines │   0.0004 │    1.0000 │       0.0000 │     │"
    assert find_difference(row, row.replace("0.0004 │    1.0000", "0.0013 │    0.6667")) is None
    assert find_difference(row, row.replace("0.0004 │    1.0000", "0.0000 │          ")) is None
    many = row.replace("0.0004", "0.5000")
    assert find_difference(many, many.replace("1.0000", "0.6667")) is not None


def test_blocks_of_a_page() -> None:
    page = "A\n```console\n$ a \\\n    b\n1\n$ python3 - <<'EOF'\nc\nEOF\n2\n3\n```\n```json\n```\n"
    assert read_blocks(page) == [
        [Step("a \\\n    b", "1\n"), Step("python3 - <<'EOF'\nc\nEOF", "2\n3\n")]
    ]


def test_session_of_a_page() -> None:
    page = (
        "```pycon\n>>> a = 1\n>>> for b in c:\n...     b\n1\n2\n```\nA\n```pycon\n>>> a\n1\n```\n"
    )
    steps = [
        Step("a = 1", "", ">>> "),
        Step("for b in c:\n...     b", "1\n2\n", ">>> "),
        Step("a", "1\n", ">>> "),
    ]
    assert read_session(page) == steps
    assert fill(page, steps, ["", "3\n", "4\n"]) == page.replace("1\n2\n", "3\n").replace(
        "a\n1\n", "a\n4\n"
    )


def test_outputs_are_written_into_a_page() -> None:
    page = "```console\n$ a\nold\n```\nB\n```console\n$ a\n$ c\n```\n"
    steps = list(chain.from_iterable(read_blocks(page)))
    filled = fill(page, steps, ["1\n2\n", "3\n", "Fitting to all folds 1/2\n4\n"])
    assert filled == "```console\n$ a\n1\n2\n```\nB\n```console\n$ a\n3\n$ c\n4\n```\n"


def test_the_texts_have_what_the_tutorial_is_about() -> None:
    """At least 160 texts of 4 topics, of several, of none; duplicates; planted label errors."""
    rows = list(read_files([DESK]))
    assert len({row.text for row in rows}) >= 160
    assert {topic for row in rows for topic in row.topics} == {
        *("council", "health", "science", "sport")
    }
    assert sum(len(row.topics) > 1 for row in rows) >= 5
    assert sum(not row.topics for row in rows) >= 20
    assert len({row.id for row in rows}) == len(rows)
    texts = Counter(row.text for row in rows)
    assert sum(n > 1 for n in texts.values()) == 3


def test_new_topic_replaces_rows_that_had_none() -> None:
    found = read_input_rows(DataOptions(data=(str(DESK), str(CULTURE)), max_bad_rows=0.0))
    assert found.replaced == [f"{DESK}: rows replaced by those of the same id in later files: 7"]
    before = {row.id: row.topics for row in read_files([DESK])}
    corrected = [json.loads(line) for line in CULTURE.read_text().splitlines()]
    assert [before[row["id"]] for row in corrected if row["id"] in before] == [()] * 7


def test_every_listing_of_the_book_is_there() -> None:
    page = (FOLDER / "from-notebook-to-production.md").read_text()
    assert re.findall(r"^### Listing 4\.(\d+): \w", page, re.M) == [str(n) for n in range(11, 23)]


def test_the_code_that_is_linked_exists() -> None:
    """A name that links to a file is defined there; lines of code are those of a linked file."""
    page = (FOLDER / "from-notebook-to-production.md").read_text()
    links = re.findall(r"\[`(\w+)`\]\(\.\./\.\./([\w/]+\.py)\)", page)
    assert len(links) >= 12
    for name, path in links:
        assert re.search(rf"^(def|class) {name}\b", (ROOT / path).read_text(), re.M), name
    linked = "".join((ROOT / path).read_text() for _, path in links)
    excerpts = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    assert excerpts
    for line in "".join(excerpts).splitlines():
        assert line in linked
