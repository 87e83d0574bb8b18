"""All checks of labelled rows."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from training.data.columns import LabelledRow
from training.data.dataset import DataError
from training.data.splitting import connect, first_rows
from training.data.topic_list import MAX_TOPICS, MIN_TEXTS, MIN_TOPICS
from training.data_check.duplicates import Duplicates, find_duplicates
from training.data_check.label_errors import find_label_errors, frequent_labels
from training.data_check.report import DataReport, Finding
from training.data_check.words import read_words, unknown_shares

MAX_NAMED: Final = 5  # topics in an error message
QUANTILES: Final = {"minimum": 0.0, "median": 0.5, "95 %": 0.95, "maximum": 1.0}
MIN_WORDS: Final = 4
MAX_WORDS: Final = 5_000  # longer than an article: perhaps several, joined by an unclosed quote
MAX_UNKNOWN: Final = 0.5  # share of a text's words; above it, its language may be another


def check_rows(rows: Sequence[LabelledRow], *, seed: int = 0) -> DataReport:
    """Check rows, in a time that is linear in their words.

    Raises `DataError` if too few or too many topics have enough texts to learn from.
    """
    check_topics(rows)
    words = read_words(rows)
    counts = words.counts()
    duplicates = find_duplicates(words)
    own, groups = np.arange(len(rows)), first_rows(row.group for row in rows)
    together = connect(len(rows), [(own, duplicates.near), (own, groups)])
    errors = find_label_errors([row.topics for row in rows], counts, together, seed)
    n_words = np.quantile(words.lengths, list(QUANTILES.values()), method="lower")
    return DataReport(
        rows,
        dict(zip(QUANTILES, map(int, n_words), strict=True)),
        {
            **find_odd_texts(words.lengths, counts),
            **find_repeated_texts(rows, duplicates),
            **find_split_errors(rows, duplicates),
            "rare_topics": find_rare_topics(rows),
            "label_errors": Finding(
                "suspected label errors",
                errors.rows.tolist(),
                detail=f"about {errors.n_estimated:,} labels are wrong",
            ),
        },
        errors,
    )


def check_topics(rows: Sequence[LabelledRow]) -> None:
    """Raise `DataError` unless the number of topics with `MIN_TEXTS` texts can be learnt."""
    n_topics = sum(map(bool, frequent_labels([row.topics for row in rows])))
    if MIN_TOPICS <= n_topics <= MAX_TOPICS:
        return
    counts = Counter(row.topics[0] if row.topics else "no topic" for row in rows)
    named = [f"{topic}: {n:,}" for topic, n in counts.most_common(MAX_NAMED)]
    more = ", ..." if len(counts) > MAX_NAMED else ""
    raise DataError(
        f"expected {MIN_TOPICS} to {MAX_TOPICS:,} topics that are the first of at least "
        f"{MIN_TEXTS} texts, got {n_topics:,} in {len(rows):,} texts ({', '.join(named)}{more}); "
        "name the column of the topics, as in --columns topics=NAME, or add texts"
    )


def find_odd_texts(n_words: NDArray[np.int64], counts: csr_array) -> dict[str, Finding]:
    """Find texts by their length, and by words that no other text has, the worst first."""
    unknown = unknown_shares(counts)
    strange = np.flatnonzero((unknown > MAX_UNKNOWN) & (n_words >= MIN_WORDS))
    strange = strange[np.argsort(-unknown[strange], kind="stable")]
    short = (n_words > 0) & (n_words < MIN_WORDS)
    return {
        "empty_texts": _finding("texts without a word", n_words == 0),
        "short_texts": _finding(f"texts of fewer than {MIN_WORDS} words", short),
        "long_texts": _finding(f"texts of more than {MAX_WORDS:,} words", n_words > MAX_WORDS),
        "unknown_words": Finding(
            "texts of which most words are in no other text", strange.tolist()
        ),
    }


def find_repeated_texts(rows: Sequence[LabelledRow], found: Duplicates) -> dict[str, Finding]:
    """Find duplicates, and among them those whose topics differ."""
    own = np.arange(len(rows))
    exact, near = found.exact != own, (found.exact == own) & (found.near != own)
    topics = first_rows(frozenset(row.topics) for row in rows)
    other_exact, other_near = topics != topics[found.exact], topics != topics[found.near]
    return {
        "exact_duplicates": _finding("texts with the words of an earlier text", exact, found.exact),
        "near_duplicates": _finding("near duplicates of an earlier text", near, found.near),
        "conflicting_duplicates": _finding(
            "of the exact duplicates: with other topics", exact & other_exact, found.exact
        ),
        "conflicting_near_duplicates": _finding(
            "of the near duplicates: with other topics", near & other_near, found.near
        ),
    }


def find_split_errors(rows: Sequence[LabelledRow], found: Duplicates) -> dict[str, Finding]:
    """Find test texts that leak into the training texts; none where no split is given."""
    test = [number for number, row in enumerate(rows) if row.split == "test"]
    train = [number for number, row in enumerate(rows) if row.split == "train"]
    clusters = {int(found.near[number]): number for number in reversed(train)}
    groups = {rows[number].group: number for number in reversed(train) if rows[number].group}
    dates = [day for number in train if (day := rows[number].date)]
    leaks = [number for number in test if int(found.near[number]) in clusters]
    grouped = [number for number in test if rows[number].group in groups]
    early = [number for number in test if dates and (day := rows[number].date) and day < max(dates)]
    return {
        "split_duplicates": Finding(
            "test texts with a duplicate among the training texts",
            leaks,
            [clusters[int(found.near[row])] for row in leaks],
        ),
        "split_groups": Finding(
            "test texts of a group that has training texts too",
            grouped,
            [groups[rows[row].group] for row in grouped],
        ),
        "split_dates": Finding(
            "test texts older than the latest training text",
            early,
            detail=f"the latest: {max(dates)}" if early else "",
        ),
    }


def find_rare_topics(rows: Sequence[LabelledRow]) -> Finding:
    """Find the texts of topics that too few texts have."""
    n_texts = Counter(topic for row in rows for topic in {*row.topics})
    rare = {topic for topic, n in n_texts.items() if n < MIN_TEXTS}
    found = [number for number, row in enumerate(rows) if not rare.isdisjoint(row.topics)]
    title = f"texts of rare topics: of fewer than {MIN_TEXTS} texts"
    return Finding(title, found, detail=", ".join(sorted(rare)))


def _finding(
    title: str, chosen: NDArray[np.bool_], others: NDArray[np.int64] | None = None
) -> Finding:
    rows = np.flatnonzero(chosen)
    return Finding(title, rows.tolist(), () if others is None else others[rows].tolist())
