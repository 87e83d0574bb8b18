"""Texts of a data set in little memory: articles, words as numbers, and columns for the split."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.model.encoder import join_title
from service.model.token_counts import FIRST_WORD_ID, MAX_TOKEN_ID, START_ID, UNKNOWN_ID
from service.model.tokenization import KERAS_TOKENIZER
from training.data.dataset import Article

NO_DAY: Final = 0
DIGEST_BYTES: Final = 16


def make_vocabulary(frequencies: Mapping[str, int]) -> dict[str, int]:
    """Return token ids of words by falling frequency, up to `MAX_TOKEN_ID`.

    Equally frequent words are ranked in alphabetical order.
    """
    ranked = sorted(frequencies, key=lambda word: (-frequencies[word], word))
    last = MAX_TOKEN_ID - FIRST_WORD_ID + 1
    return {word: token_id for token_id, word in enumerate(ranked[:last], FIRST_WORD_ID)}


class Numbers(dict[str, int]):
    """Numbers of words, in the order in which they are first looked up."""

    def __missing__(self, word: str) -> int:
        self[word] = number = len(self)
        return number


@dataclass(slots=True)
class TextTable:
    """Texts and what their split depends on: columns of equal length, an item for each text.

    Words are numbered by first appearance; `rank_words` turns these numbers into token ids.
    """

    articles: list[Article] = field(default_factory=list)
    token_ids: list["array[int]"] = field(default_factory=list)  # int32, in the order of the text
    digests: list[bytes] = field(default_factory=list)  # hash of the words of title and body
    groups: list[str | None] = field(default_factory=list)
    days: "array[int]" = field(default_factory=lambda: array("q"))  # ordinal of the date, or NO_DAY
    sides: list[int] = field(default_factory=list)  # constants of `splitting`
    words: Numbers = field(default_factory=lambda: Numbers({"": 0}))  # 0: start of a text

    def add(
        self, article: Article, side: int, *, group: str | None = None, day: date | None = None
    ) -> None:
        """Add a text."""
        number = self._number(article.keras_text)
        text = join_title(article.title, article.body)
        own = number if text == article.keras_text else self._number(text)
        self.articles.append(article)
        self.token_ids.append(number)
        self.digests.append(blake2b(own, digest_size=DIGEST_BYTES).digest())
        self.groups.append(group)
        self.days.append(day.toordinal() if day else NO_DAY)
        self.sides.append(side)

    def _number(self, text: str) -> "array[int]":
        words = KERAS_TOKENIZER.tokenize(text)
        return array("i", [0, *map(self.words.__getitem__, words)])

    def rank_words(self, chosen: NDArray[np.int64]) -> dict[str, int]:
        """Turn numbers into token ids in place, and return the vocabulary of the chosen texts.

        Words of other texts, and those beyond the highest token id, are unknown.
        """
        counts = np.zeros(len(self.words), np.int64)
        for index in chosen.tolist():
            np.add.at(counts, _view(self.token_ids[index]), 1)
        counts[0] = 0
        pairs = zip(self.words, counts.tolist(), strict=True)
        vocabulary = make_vocabulary({word: count for word, count in pairs if count})
        token_ids = (vocabulary.get(word, UNKNOWN_ID) for word in self.words)
        table = np.fromiter(token_ids, np.intc, len(self.words))
        table[0] = START_ID
        for numbers in map(_view, self.token_ids):
            numbers[:] = table[numbers]
        return vocabulary


def _view(ids: "array[int]") -> NDArray[np.intc]:
    return np.frombuffer(ids, np.intc)
