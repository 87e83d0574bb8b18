"""The comparison with other model servers: every cell has a source, and ours exist."""

import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.conftest import ROOT
from tests.docs.links import broken_links

DOCUMENT: Final = ROOT / "docs" / "explanation" / "comparison.md"
TEXT: Final = DOCUMENT.read_text()
SOURCES: Final = dict(re.findall(r"^\[([\w-]+)\]: (\S+)$", TEXT, re.MULTILINE))
COLUMNS: Final = {
    "newswire-topics": ("ours", ("",)),
    "Triton": ("triton", ("github.com/triton-inference-server/server",)),
    "KServe": ("kserve", ("github.com/kserve/kserve", "github.com/kserve/website")),
    "MLServer": ("mlserver", ("github.com/SeldonIO/MLServer",)),
    "BentoML": ("bentoml", ("github.com/bentoml/BentoML",)),
    "LitServe": ("litserve", ("github.com/Lightning-AI/LitServe",)),
    "Ray Serve": ("ray", ("github.com/ray-project/ray", "docs.ray.io/en")),
    "TEI": ("tei", ("github.com/huggingface/text-embeddings-inference",)),
}
"""Of each column: what the names of its sources begin with, and where they may lie."""
ANSWER: Final = re.compile(r"(yes|no)(: .+)?|partly: .+|not found|not yet: .+")
LICENSE: Final = re.compile(r"MIT|BSD-3-Clause|Apache-2\.0")
CELL: Final = re.compile(r"\[([^\]]+)\]\[([\w-]+)\]")
COMMIT: Final = re.compile(r"https://github\.com/[\w-]+/[\w-]+/(blob|tree)/[0-9a-f]{40}(/|$)")


def table_rows() -> Iterator[list[str]]:
    """Yield the cells of each row of the tables of features, headers included."""
    for line in TEXT.split("\n## ", 1)[1].splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


FEATURES: Final = {row[0]: row[1:] for row in table_rows() if row[0]}


def test_tables_have_all_columns() -> None:
    headers = [row[1:] for row in table_rows() if not row[0]]
    assert len(headers) == 5
    assert all(header == list(COLUMNS) for header in headers)


def test_rows_are_unique() -> None:
    assert len(FEATURES) == len([row for row in table_rows() if row[0]])


@pytest.mark.parametrize("feature", FEATURES)
def test_every_cell_has_an_answer_and_its_source(feature: str) -> None:
    cells = FEATURES[feature]
    assert len(cells) == len(COLUMNS)
    for cell, (prefix, places) in zip(cells, COLUMNS.values(), strict=True):
        linked = CELL.fullmatch(cell)
        assert linked, f"{prefix}: expected [answer][source], got {cell!r}"
        answer, name = linked.groups()
        assert (LICENSE if feature == "License" else ANSWER).fullmatch(answer), answer
        assert name.split("-")[0] == prefix
        if prefix != "ours":
            place = SOURCES[name].removeprefix("https://")
            assert place.startswith(tuple(f"{known}/" for known in places)), SOURCES[name]


def test_what_was_not_found_links_to_what_was_searched() -> None:
    cells = [linked for row in FEATURES.values() for linked in CELL.findall("|".join(row))]
    assert {name for answer, name in cells if answer == "not found"} <= {
        prefix for prefix, _ in COLUMNS.values()
    }
    assert all("-" in name for answer, name in cells if answer != "not found")


def test_every_source_is_used() -> None:
    assert set(re.findall(r"\]\[([\w-]+)\]", TEXT)) == SOURCES.keys()


def test_sources_on_github_name_a_commit() -> None:
    there = [source for source in SOURCES.values() if source.startswith("https://github.com/")]
    assert len(there) > 100
    assert [source for source in there if not COMMIT.match(source)] == []


def test_our_sources_exist() -> None:
    assert [source for source in SOURCES.values() if "://" not in source]
    assert broken_links(DOCUMENT) == []


def test_what_others_have_and_we_do_not_is_there() -> None:
    answers = {feature: CELL.findall(cells[0])[0][0] for feature, cells in FEATURES.items()}
    missing = {feature for feature, answer in answers.items() if answer.startswith("no")}
    assert {"Any model, any framework", "Several models in one process", "GPU"} <= missing
    assert {"Language models (LLM)"} <= missing
