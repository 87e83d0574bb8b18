"""Bundles of any number of topics, made without training.

Topic ``i`` has words of its own, in one of several scripts, and ``text_of(i)`` is a text of them:
its topic is ``i``. Names are long, in several scripts, or would be markup in a page. "weather
lottery" is none of the topics, and the words of all texts are known.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.model import Topic
from service.model.field_encoder import NewsEncoder
from service.model.manifest import Subject
from service.model.token_counts import FIRST_WORD_ID
from tests.bundle_of_weights import save_bundle_of_weights

WORDS_PER_TOPIC: Final = 2
WEIGHT: Final = 6
"""Of a topic's own word: two of them give it 0.99 of 1,000 topics."""
COMMON_WORDS: Final = ("the", "news", "of", "today")
NO_TOPIC_WORDS: Final = ("weather", "lottery")
NO_TOPIC_TEXT: Final = "The weather and the lottery of today"
N_GOLDENS: Final = 8
_SCRIPTS: Final = (
    ("topic-", "abdefgiklmnoprstuvwz"),
    ("спорт-", "абвгдежзиклмнопрстуф"),
    ("政治-", "一丁七万丈三上下不与丐丑专且世丘丙业丛东"),
    ("खेल-", "कखगघचछजझटठडढतथदधनपफब"),
)
"""Begin of a topic's code, and the letters of its words."""
_NAMES: Final = (
    "Topic {}",
    "Спорт и отдых {}",
    "Ferry_accidents_and_everything_that_belongs_to_them_" * 9 + "{}",
    "खेल और समाचार {}",
    "أخبار الرياضة {}",
    "<b>Markup & 'quotes'</b> {}",
    "政治与经济 {}",
    "A name of many words " * 22 + "{}",
)
MIN_CONFIDENCE: Final = 0.6
OWN_LOGIT: Final = WEIGHT / 2
"""A text has every topic with a higher logit: one of its words is enough."""
ALL_TOPICS_THRESHOLD: Final = 0.5


def text_of(topic_id: int) -> str:
    """Return a text that is predicted to have a topic."""
    return f"The news of {' '.join(_words_of(topic_id))} today."


def unsure_text(*topic_ids: int) -> str:
    """Return a text that is as likely of each of the topics."""
    return "The news of " + " ".join(_words_of(topic_id)[0] for topic_id in topic_ids)


def code_of(topic_id: int) -> str:
    """Return the code of a topic."""
    return f"{_SCRIPTS[topic_id % len(_SCRIPTS)][0]}{topic_id}"


def save_synthetic_bundle(
    folder: Path,
    n_topics: int,
    *,
    name: str = "desk",
    groups: Sequence[str] = ("All",),
    codes: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    all_topics: bool = True,
    subjects: Mapping[int, tuple[Subject, ...]] | None = None,
) -> Path:
    """Write a bundle of ``n_topics`` topics that can predict none of them; return its folder.

    ``groups`` are given to the topics in turn, ``codes`` and ``names`` replace those of `code_of`
    and `_NAMES`. With ``all_topics`` it finds every topic that has a word in a text. ``subjects``
    are those of topics, by id.
    """
    words = [*COMMON_WORDS, *NO_TOPIC_WORDS]
    words += [word for topic_id in range(n_topics) for word in _words_of(topic_id)]
    vocabulary = {word: token_id for token_id, word in enumerate(words, FIRST_WORD_ID)}
    topics = [
        Topic(
            id=topic_id,
            code=codes[topic_id] if codes else code_of(topic_id),
            name=names[topic_id] if names else _NAMES[topic_id % len(_NAMES)].format(topic_id),
            group=groups[topic_id % len(groups)],
            description=f"News of kind {topic_id}.",
            training_newswires=5 + topic_id,
            subjects=(subjects or {}).get(topic_id, ()),
        )
        for topic_id in range(n_topics)
    ]
    texts = [(None, text_of(i)) for i in range(min(n_topics, N_GOLDENS))]
    save_bundle_of_weights(
        folder,
        NewsEncoder(vocabulary),
        _weights(vocabulary, n_topics),
        topics,
        [*texts, (text_of(n_topics - 1), ""), (None, NO_TOPIC_TEXT)],
        own_logit=OWN_LOGIT if all_topics else None,
        name=name,
        min_known_words_ratio=0.5,
        min_confidence=MIN_CONFIDENCE,
        topic_min_confidence={topics[0].code: 0.7},
        all_topics_thresholds={topic.code: ALL_TOPICS_THRESHOLD for topic in topics if all_topics},
        all_topics_precision=0.5 if all_topics else 0.0,
    )
    return folder


def _words_of(topic_id: int) -> list[str]:
    """Return the words of a topic: three letters of its script, that no other topic has."""
    letters = _SCRIPTS[topic_id % len(_SCRIPTS)][1]
    first = topic_id // len(_SCRIPTS) * WORDS_PER_TOPIC
    triples = list(product(letters, repeat=3))
    return ["".join(triples[first + place]) for place in range(WORDS_PER_TOPIC)]


def _weights(vocabulary: dict[str, int], n_topics: int) -> NDArray[np.int8]:
    """Return int8 weights of shape (n_ids, n_topics + 1)."""
    weights = np.zeros((1 + max(vocabulary.values()), n_topics + 1), dtype=np.int8)
    for topic_id in range(n_topics):
        for word in _words_of(topic_id):
            weights[vocabulary[word], topic_id] = WEIGHT
    for word in NO_TOPIC_WORDS:
        weights[vocabulary[word], n_topics] = WEIGHT
    return weights
