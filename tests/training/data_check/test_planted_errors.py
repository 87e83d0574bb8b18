"""Planted label errors in real texts: the figures of docs/how-to/correct-labels.md."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.training.data_check.texts import row
from training.data import Dataset
from training.data.columns import LabelledRow
from training.data.loading import rows_of_dataset
from training.data_check.duplicates import find_duplicates
from training.data_check.label_errors import find_label_errors
from training.data_check.words import read_words

SHARE = 0.05
SECTIONS = "modern/ag-news-sections.jsonl"


def found_in_first_tenth(rows: Sequence[LabelledRow], seed: int) -> float:
    """Return which share of the planted errors is among the first 10 % of all rows."""
    random = np.random.default_rng(seed)
    codes = sorted({code for item in rows for code in item.topics})
    wrong = random.choice(len(rows), round(SHARE * len(rows)), replace=False).tolist()
    topics = [item.topics for item in rows]
    for number in wrong:
        topics[number] = (
            str(random.choice([code for code in codes if code not in topics[number]])),
        )
    words = read_words(rows)
    errors = find_label_errors(topics, words.counts(), find_duplicates(words).near)
    first = set(errors.rows[: len(rows) // 10].tolist())
    return len(first.intersection(wrong)) / len(wrong)


@pytest.mark.slow
def test_reuters(corpus_dataset: Dataset) -> None:
    rows = [item for item in rows_of_dataset(corpus_dataset) if item.topics]
    assert len(rows) == 11_228
    assert found_in_first_tenth(rows, seed=0) > 0.98


@pytest.mark.slow
def test_short_texts(data_dir: Path, corpus_dataset: Dataset) -> None:
    """AG News where it is, as it is not ours to distribute; else titles of Reuters."""
    if (data_dir / SECTIONS).exists():
        lines = map(json.loads, (data_dir / SECTIONS).read_text().splitlines())
        rows = [row(line["text"], *line["topics"], title=line["title"]) for line in lines]
    else:
        rows = [item._replace(text="") for item in rows_of_dataset(corpus_dataset) if item.topics]
    assert found_in_first_tenth(rows, seed=0) > 0.87
