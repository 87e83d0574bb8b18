"""Golden cases of a bundle: texts with the predictions of the trained model."""

import json
from collections.abc import Sequence
from importlib.resources import files
from itertools import compress, zip_longest
from typing import Final

import numpy as np

from service.model import Golden, NewsText, TextEncoder
from training.data import Article, Dataset
from training.recipes.reuters import has_reuters_topics
from training.recipes.trained_model import TrainedModel

N_TEXTS: Final = 24
MAX_WORDS: Final = 100  # words of a body or title; more would only take space
MAX_CHARACTERS: Final = 2_000
N_TITLE_WORDS, N_WORDS = 6, 30  # words of generated texts
MIN_LEAD: Final = 1e-3  # lead of the first topic over the second: rounding must not exchange them
EDGE_CASES: Final = (NewsText("?!"), NewsText("zzyzx qwxyz 1234567890", "Zzyzx: 12"))


def make_goldens(
    model: TrainedModel, dataset: Dataset, *, store_texts: bool = True
) -> Sequence[Golden]:
    """Predict golden texts with the trained model itself, not its export.

    For Reuters' topics they are written for the project, since its newswires may not be stored. For
    others they are test texts, or, if these may not be stored, random words that the model knows.
    """
    if has_reuters_topics(dataset.topic_codes):
        cases = json.loads(files("training.release").joinpath("golden_texts.json").read_bytes())
        texts = [NewsText(case["text"], case["title"]) for case in cases]
    elif store_texts and dataset.test.articles:
        texts = [*held_out_texts(dataset), *EDGE_CASES]
    else:
        texts = [*generate_texts(model.encoder), *EDGE_CASES]
    token_ids = [model.encoder.token_ids(item.text, item.title) for item in texts]
    outputs = {name: rows.tolist() for name, rows in model.predict(token_ids).items()}
    goldens = [
        Golden(item.title, item.text, ids, **{name: rows[row] for name, rows in outputs.items()})
        for row, (item, ids) in enumerate(zip(texts, token_ids, strict=True))
    ]
    if has_reuters_topics(dataset.topic_codes):
        return goldens
    rising = np.sort([golden.probabilities[: len(dataset.topics)] for golden in goldens])
    leads = rising[:, -1] - rising[:, -2]
    return list(compress(goldens, leads >= MIN_LEAD)) or [goldens[leads.argmax()]]


def held_out_texts(dataset: Dataset) -> list[NewsText]:
    """Return beginnings of test texts: of each topic in turn, and of none."""
    topics: dict[int, list[Article]] = {}
    for article, label in zip(dataset.test.articles, dataset.test.labels, strict=True):
        topics.setdefault(int(label), []).append(article)
    in_turn = [
        item
        for turn in zip_longest(*topics.values(), dataset.test.negatives)
        for item in turn
        if item
    ]
    return [
        NewsText(_beginning(item.body), _beginning(item.title) or None)
        for item in in_turn[:N_TEXTS]
    ]


def _beginning(text: str) -> str:
    words = text[:MAX_CHARACTERS].split(maxsplit=MAX_WORDS)
    return " ".join(words[:MAX_WORDS])


def generate_texts(encoder: TextEncoder) -> list[NewsText]:
    """Return texts of random words that a model knows, with and without a title."""
    words = [word for word in encoder.vocabulary if ":" not in word and "#" not in word]
    generator = np.random.default_rng(0)

    def draw(n_words: int) -> str:
        return " ".join(words[i] for i in generator.integers(len(words), size=n_words))

    if not words:
        return []
    return [
        NewsText(draw(N_WORDS), None if number % 2 else draw(N_TITLE_WORDS))
        for number in range(N_TEXTS)
    ]
