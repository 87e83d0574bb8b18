"""Known facts of the Reuters data set, which the readers are checked against.

The counts are those of ``keras.datasets.reuters`` with its defaults (``test_split=0.2``,
``seed=113``), and of the corpus that it was made from.
"""

from typing import Final

import numpy as np

from training.data.dataset import Dataset
from training.errors import DataError

NAME: Final = "reuters"
DESCRIPTION: Final = "English business newswires of Reuters-21578 (1987)"

# fmt: off
TOPIC_CODES: Final = (
    "cocoa", "grain", "veg-oil", "earn", "acq", "wheat", "copper", "housing", "money-supply",
    "coffee", "sugar", "trade", "reserves", "ship", "cotton", "carcass", "crude", "nat-gas", "cpi",
    "money-fx", "interest", "gnp", "meal-feed", "alum", "oilseed", "gold", "tin",
    "strategic-metal", "livestock", "retail", "ipi", "iron-steel", "rubber", "heat", "jobs", "lei",
    "bop", "zinc", "orange", "pet-chem", "dlr", "gas", "silver", "wpi", "hog", "lead",
)
"""The topics' codes, in the order of their class indices."""

N_TRAIN: Final = 8_982
N_TEST: Final = 2_246
FIRST_TRAIN_LABELS: Final = (3, 4, 3, 4, 4, 4, 4, 3, 3, 16)
FIRST_TEST_LABELS: Final = (3, 10, 1, 4, 4, 3, 3, 3, 3, 3)
TRAIN_COUNTS: Final = (
    55, 432, 74, 3159, 1949, 17, 48, 16, 139, 101, 124, 390, 49, 172, 26, 20, 444, 39, 66, 549,
    269, 100, 15, 41, 62, 92, 24, 15, 48, 19, 45, 39, 32, 11, 50, 10, 49, 19, 19, 24, 36, 30, 13,
    21, 12, 18,
)
# fmt: on
N_WORDS: Final = (30_979, 30_984)
"""Words in Keras' index, and in the one that is rebuilt from the corpus by the same rule."""
N_WITHOUT_BODY: Final = 975
"""Articles without a body. In Keras, 974 of them have the body of another article, and one, the
last of its file, the start of that file."""

N_NEGATIVES: Final = (1_693, 424)
"""Indexed articles without a topic, to train on and to test on."""


def check_dataset(dataset: Dataset) -> None:
    """Compare a data set with the known facts.

    Raises
    ------
    DataError
        If anything differs.
    """
    train, test = dataset.train, dataset.test
    _expect(dataset, "newswires to train on", len(train.token_ids), N_TRAIN)
    _expect(dataset, "newswires to test on", len(test.token_ids), N_TEST)
    counts = tuple(np.bincount(train.labels, minlength=len(TOPIC_CODES)).tolist())
    _expect(dataset, "training newswires by topic", counts, TRAIN_COUNTS)
    first = tuple(train.labels[:10].tolist())
    _expect(dataset, "first training labels", first, FIRST_TRAIN_LABELS)
    first = tuple(test.labels[:10].tolist())
    _expect(dataset, "first test labels", first, FIRST_TEST_LABELS)
    _expect(dataset, "topics", tuple(dataset.topic_codes), TOPIC_CODES)
    if len(dataset.vocabulary) not in N_WORDS:
        _expect(dataset, "words", len(dataset.vocabulary), " or ".join(map(str, N_WORDS)))
    if train.articles is not None and test.articles is not None:
        without = sum(not article.has_body for article in (*train.articles, *test.articles))
        _expect(dataset, "articles without a body of their own", without, N_WITHOUT_BODY)
        n_negatives = (len(train.negatives), len(test.negatives))
        _expect(dataset, "indexed articles without a topic", n_negatives, N_NEGATIVES)


def _expect(dataset: Dataset, what: str, actual: object, expected: object) -> None:
    if actual != expected:
        raise DataError(f"{dataset.source}: {what}: expected {expected}, got {actual}")
