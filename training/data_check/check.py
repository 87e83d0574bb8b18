"""All checks of labelled rows."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from training.data.dataset import DataError
from training.data.labelled_file import LabelledRow
from training.data.splitting import connect, first_rows
from training.data.topic_list import MAX_TOPICS, MIN_TEXTS, MIN_TOPICS
from training.data_check.duplicates import find_duplicates
from training.data_check.findings import (
    Finding,
    find_odd_texts,
    find_rare_topics,
    find_repeated_texts,
    find_split_errors,
)
from training.data_check.label_errors import find_label_errors, frequent_labels
from training.data_check.report import DataReport
from training.data_check.words import read_words

MAX_NAMED: Final = 5  # topics in an error message
QUANTILES: Final = {"minimum": 0.0, "median": 0.5, "95 %": 0.95, "maximum": 1.0}


def check_rows(
    rows: Sequence[LabelledRow],
    bad_rows: Sequence[str] = (),
    replaced: Sequence[str] = (),
    *,
    seed: int = 0,
) -> DataReport:
    """Check rows, in a time that is linear in their words; ``bad_rows`` and others are passed on.

    Raises `DataError` if too few or too many topics have enough texts to learn from.
    """
    check_topics(rows)
    words = read_words(rows)
    duplicates = find_duplicates(words)
    own, groups = np.arange(len(rows)), first_rows(row.group for row in rows)
    together = connect(len(rows), [(own, duplicates.near), (own, groups)])
    errors = find_label_errors([row.topics for row in rows], words.counts(), together, seed)
    n_words = np.quantile(words.lengths, list(QUANTILES.values()), method="lower")
    return DataReport(
        rows,
        bad_rows,
        replaced,
        dict(zip(QUANTILES, map(int, n_words), strict=True)),
        {
            **find_odd_texts(words),
            **find_repeated_texts(rows, duplicates),
            **find_split_errors(rows, duplicates),
            **find_rare_topics(rows),
            "label_errors": Finding(
                errors.rows.tolist(), detail=f"about {errors.n_estimated:,} labels are wrong"
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
