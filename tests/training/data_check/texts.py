"""Labelled rows for the tests, of sentences made up from the words of each topic."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from training.data.columns import LabelledRow
from training.data.labelled_file import read_labelled_files
from training.data.options import DataOptions

WORDS = {
    "sport": "keeper saves penalty striker coach derby league goal referee stadium cup injury",
    "markets": "shares bond yield broker index dividend profit trader bank loan currency merger",
    "science": "telescope orbit genome vaccine molecule fossil laboratory neuron glacier quantum",
}
EVERYDAY = "the of and today said after before new first week while with from near more some"
N_WORDS = 24


def row(text: str, *topics: str, line: int = 1, **values: object) -> LabelledRow:
    given = {"title": None} | values
    return LabelledRow(text=text, topics=topics, file="desk.jsonl", line=line, **given)  # type: ignore[arg-type]


def sentence(topic: str, source: random.Random) -> str:
    """Half of the words are of the topic, some of any topic, the others everyday words."""
    own, everyday = WORDS[topic].split(), EVERYDAY.split()
    others = " ".join(WORDS.values()).split()
    pools = source.choices((own, everyday, others), weights=(4, 5, 1), k=N_WORDS)
    return " ".join(map(source.choice, pools)).capitalize() + "."


def made_up_rows(n_each: int, topics: Sequence[str] = tuple(WORDS)) -> list[LabelledRow]:
    """Return rows of each topic in turn, the same at each call."""
    source = random.Random(7)  # noqa: S311
    codes = [topic for _ in range(n_each) for topic in topics]
    return [row(sentence(code, source), code, line=line) for line, code in enumerate(codes, 1)]


def wrong_topics(rows: Sequence[LabelledRow], every: int) -> tuple[list[LabelledRow], set[int]]:
    """Return rows of which each ``every``-th has another topic, and the indices of those."""
    codes = sorted({row.topics[0] for row in rows})
    wrong = set(range(0, len(rows), every))
    changed = [
        item._replace(topics=(codes[(codes.index(item.topics[0]) + 1) % len(codes)],))
        if number in wrong
        else item
        for number, item in enumerate(rows)
    ]
    return changed, wrong


def read_files(paths: Sequence[Path], **options: Any) -> Iterator[LabelledRow]:
    """Yield the rows of files, with the options of the data and what is called."""
    calls = {name: options.pop(name) for name in ("on_bad_row", "on_replaced") if name in options}
    return read_labelled_files(DataOptions(data=tuple(map(str, paths)), **options), **calls)
