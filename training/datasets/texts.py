"""What the newswires of a split say, and what they are about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.model import NewsText, TextEncoder
from training.datasets.newswires import Split

KERAS_TEXT: Final = "keras_text"
OWN_TEXT: Final = "own_text"


@dataclass(frozen=True, slots=True)
class KnownTopics:
    """All topics of each article, of which its label is the first.

    Attributes
    ----------
    among : bool array of shape (n_texts, n_topics)
        Whether an article has a topic.
    single : bool array of shape (n_texts,)
        Whether it has one topic only, counting those that are not among ours.
    """

    among: NDArray[np.bool_]
    single: NDArray[np.bool_]


def known_topics(split: Split, codes: Sequence[str]) -> KnownTopics | None:
    """Look up all topics of each article; None where the source does not tell them."""
    if split.articles is None:
        return None
    return KnownTopics(
        among=np.array([[code in item.topics for code in codes] for item in split.articles]),
        single=np.array([len(item.topics) == 1 for item in split.articles]),
    )


def texts_by_form(split: Split, vocabulary: Mapping[str, int]) -> dict[str, list[NewsText]]:
    """Give the texts of a split by their form: ``"keras_text"``, and ``"own_text"`` if known."""
    texts = {KERAS_TEXT: keras_texts(split, vocabulary)}
    if split.articles is not None:
        texts[OWN_TEXT] = [item.own_text for item in split.articles]
    return texts


def keras_texts(split: Split, vocabulary: Mapping[str, int]) -> list[NewsText]:
    """Give the texts that Keras has, on one line: from the corpus, or decoded from the word ids."""
    if split.articles is not None:
        return [NewsText(" ".join(item.keras_text.split())) for item in split.articles]
    encoder = TextEncoder(vocabulary)
    return [NewsText(encoder.decode(ids[1:])) for ids in split.token_ids]
