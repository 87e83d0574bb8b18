"""Known facts of the data set: those of ``keras.datasets.reuters``, and of the corpus behind it."""

import json
from importlib.resources import files
from typing import Any, Final

import numpy as np

from service.model.manifest import Subject
from training.data.dataset import DataError, Dataset
from training.data.topic_list import Description

NAME: Final = "reuters"
DESCRIPTION: Final = "English business newswires of Reuters-21578 (1987)"

# fmt: off
TOPIC_CODES: Final = (  # in the order of their class indices
    "cocoa", "grain", "veg-oil", "earn", "acq", "wheat", "copper", "housing", "money-supply",
    "coffee", "sugar", "trade", "reserves", "ship", "cotton", "carcass", "crude", "nat-gas", "cpi",
    "money-fx", "interest", "gnp", "meal-feed", "alum", "oilseed", "gold", "tin",
    "strategic-metal", "livestock", "retail", "ipi", "iron-steel", "rubber", "heat", "jobs", "lei",
    "bop", "zinc", "orange", "pet-chem", "dlr", "gas", "silver", "wpi", "hog", "lead",
)
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
N_WORDS: Final = (30_979, 30_984)  # of Keras' index, and of the one rebuilt from the corpus
N_WITHOUT_BODY: Final = 975
N_NEGATIVES: Final = (1_693, 424)  # indexed articles without a topic, to train on and to test on


def topic_descriptions() -> dict[str, Description]:
    """Return name, group, description and subjects of each topic, by code.

    Subjects are the IPTC Media Topics that stand for a topic; not every topic has one.
    """
    vocabulary = _read_json("iptc_subjects.json")
    names, matches = vocabulary["concepts"], vocabulary["topics"]
    return {
        code: Description(
            **item,
            subjects=tuple(
                Subject(uri, names[uri], match) for uri, match in matches.get(code, {}).items()
            ),
        )
        for code, item in _read_json("reuters_topics.json").items()
    }


def _read_json(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(files("training.data").joinpath(name).read_bytes())
    return content


def check_dataset(dataset: Dataset) -> None:
    """Compare a data set with the known facts; raise `DataError` if anything differs."""
    train, test = dataset.train, dataset.test
    n_words = len(dataset.vocabulary)
    counts = np.bincount(train.labels, minlength=len(TOPIC_CODES)).tolist()
    facts: list[tuple[str, object, object]] = [
        ("newswires to train on", len(train.token_ids), N_TRAIN),
        ("newswires to test on", len(test.token_ids), N_TEST),
        ("training newswires by topic", tuple(counts), TRAIN_COUNTS),
        ("first training labels", tuple(train.labels[:10].tolist()), FIRST_TRAIN_LABELS),
        ("first test labels", tuple(test.labels[:10].tolist()), FIRST_TEST_LABELS),
        ("topics", tuple(dataset.topic_codes), TOPIC_CODES),
        ("words", n_words, n_words if n_words in N_WORDS else " or ".join(map(str, N_WORDS))),
    ]
    if train.articles and test.articles:
        without_body = sum(not article.has_body for article in (*train.articles, *test.articles))
        n_negatives = (len(train.negatives), len(test.negatives))
        facts += [
            ("articles without a body of their own", without_body, N_WITHOUT_BODY),
            ("indexed articles without a topic", n_negatives, N_NEGATIVES),
        ]
    for what, actual, expected in facts:
        if actual != expected:
            raise DataError(f"{dataset.source}: {what}: expected {expected}, got {actual}")
