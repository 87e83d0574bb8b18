"""What may be wrong with rows, beside their labels."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.data.labelled_file import LabelledRow
from training.data.topic_list import MIN_TEXTS
from training.data_check.duplicates import Duplicates
from training.data_check.words import RowWords, unknown_shares

MIN_WORDS: Final = 4
MAX_WORDS: Final = 5_000  # longer than an article: several joined, as by a quote that is not closed
MAX_UNKNOWN: Final = 0.5  # share of a text's words: above it, perhaps of another language

TITLES: Final[Mapping[str, str]] = {
    "empty_texts": "texts without a word",
    "short_texts": f"texts of fewer than {MIN_WORDS} words",
    "long_texts": f"texts of more than {MAX_WORDS:,} words",
    "unknown_words": "texts of which most words are in no other text",
    "exact_duplicates": "texts with the words of an earlier text",
    "near_duplicates": "near duplicates of an earlier text",
    "conflicting_duplicates": "of the exact duplicates: with other topics",
    "conflicting_near_duplicates": "of the near duplicates: with other topics",
    "split_duplicates": "test texts with a duplicate among the training texts",
    "split_groups": "test texts of a group that has training texts too",
    "split_dates": "test texts older than the latest training text",
    "rare_topics": f"texts of rare topics: of fewer than {MIN_TEXTS} texts",
    "label_errors": "suspected label errors",
}
"""Every finding, in the order of reports."""


class Finding(NamedTuple):
    """The rows that something may be wrong with."""

    rows: Sequence[int]
    others: Sequence[int] = ()  # what each row is a duplicate of, or shares its group with
    detail: str = ""


def find_odd_texts(words: RowWords) -> dict[str, Finding]:
    """Find texts by their length, and by words that no other text has, the worst first."""
    n_words = words.lengths
    unknown = unknown_shares(words.counts())
    strange = np.flatnonzero((unknown > MAX_UNKNOWN) & (n_words >= MIN_WORDS))
    return {
        "empty_texts": _finding(n_words == 0),
        "short_texts": _finding((n_words > 0) & (n_words < MIN_WORDS)),
        "long_texts": _finding(n_words > MAX_WORDS),
        "unknown_words": Finding(strange[np.argsort(-unknown[strange], kind="stable")].tolist()),
    }


def find_repeated_texts(rows: Sequence[LabelledRow], found: Duplicates) -> dict[str, Finding]:
    """Find duplicates, and those of them whose topics differ."""
    own = np.arange(len(rows))
    exact, near = found.exact != own, (found.exact == own) & (found.near != own)
    numbers: dict[frozenset[str], int] = {}
    topics = np.array([numbers.setdefault(frozenset(row.topics), len(numbers)) for row in rows])
    return {
        "exact_duplicates": _finding(exact, found.exact),
        "near_duplicates": _finding(near, found.near),
        "conflicting_duplicates": _finding(exact & (topics != topics[found.exact]), found.exact),
        "conflicting_near_duplicates": _finding(near & (topics != topics[found.near]), found.near),
    }


def find_split_errors(rows: Sequence[LabelledRow], found: Duplicates) -> dict[str, Finding]:
    """Find test texts of which the training texts tell too much; none where no split is given."""
    test = [number for number, row in enumerate(rows) if row.split == "test"]
    train = [number for number, row in enumerate(rows) if row.split == "train"]
    clusters = {int(found.near[number]): number for number in reversed(train)}
    groups = {rows[number].group: number for number in reversed(train) if rows[number].group}
    dates = [day for number in train if (day := rows[number].date)]
    leaks = [number for number in test if int(found.near[number]) in clusters]
    grouped = [number for number in test if rows[number].group in groups]
    early = [number for number in test if dates and (day := rows[number].date) and day < max(dates)]
    return {
        "split_duplicates": Finding(leaks, [clusters[int(found.near[row])] for row in leaks]),
        "split_groups": Finding(grouped, [groups[rows[row].group] for row in grouped]),
        "split_dates": Finding(early, detail=f"the latest: {max(dates)}" if early else ""),
    }


def find_rare_topics(rows: Sequence[LabelledRow]) -> dict[str, Finding]:
    """Find the texts of topics that too few texts have."""
    n_texts = Counter(topic for row in rows for topic in {*row.topics})
    rare = {topic for row in rows for topic in row.topics if n_texts[topic] < MIN_TEXTS}
    found = [number for number, row in enumerate(rows) if not rare.isdisjoint(row.topics)]
    return {"rare_topics": Finding(found, detail=", ".join(sorted(rare)))}


def _finding(chosen: NDArray[np.bool_], others: NDArray[np.int64] | None = None) -> Finding:
    rows = np.flatnonzero(chosen)
    return Finding(rows.tolist(), () if others is None else others[rows].tolist())
