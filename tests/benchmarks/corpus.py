"""Made-up newswires for the benchmarks, all different: one repeated text would stay in every cache.

Measured on the Reuters test newswires and imitated here: lengths (log-normal, here somewhat longer
than their median of 93 words), frequencies of words (the Zipf-Mandelbrot law), shares of unknown
words and numbers, lengths of titles and sentences, capitals and punctuation.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Final

from service.model import NewsText, find_bundle, load_bundle

ROOT: Final = Path(__file__).parents[2]
N_TEXTS: Final = 2_048
BATCH_SIZE: Final = 256
SEED: Final = 19

MEDIAN_WORDS: Final = 120
LOG_WORDS_DEVIATION: Final = 0.75
"""Standard deviation of the logarithm of the number of words."""
MIN_WORDS: Final = 5
MAX_WORDS: Final = 1_000
RANK_OFFSET: Final = 1.3
RANK_EXPONENT: Final = 1.05
"""A word of frequency rank r has weight 1 / (r + RANK_OFFSET) ** RANK_EXPONENT."""
REPEAT_SHARE: Final = 0.2
"""Of the words: those that repeat one before them in the text, as a text keeps to its subject."""
N_UNKNOWN_WORDS: Final = 5_000
UNKNOWN_SHARE: Final = 0.025
NUMBER_SHARE: Final = 0.075
"""Of the words, before repetition."""
MAX_DIGITS: Final = 4
SENTENCE_WORDS: Final = (10, 30)
TITLE_WORDS: Final = (5, 10)
CAPITAL_SHARE: Final = 0.1
COMMA_SHARE: Final = 0.05
QUOTE_SHARE: Final = 0.04
"""Of the sentences."""
PARAGRAPH_SHARE: Final = 0.4
"""Of the sentences: those that a line end follows instead of a blank."""
SYLLABLES: Final = [c + v + e for c in "bdfgklmnprstvz" for v in "aeiou" for e in ("", "n", "r")]


def generate_corpus(
    vocabulary: Mapping[str, int], n_texts: int = N_TEXTS, *, seed: int = SEED
) -> list[NewsText]:
    """Return different texts of a vocabulary's words; every second one has a title.

    Parameters
    ----------
    vocabulary : mapping of str to int
        Of a bundle; the words' ids ascend as their frequency falls.
    """
    random = Random(seed)  # noqa: S311 - texts, not secrets
    words = [word for word in sorted(vocabulary, key=vocabulary.__getitem__) if _is_word(word)]
    source = _Words(random, words, _make_up_words(random, set(words)))
    texts: dict[NewsText, None] = {}
    while len(texts) < n_texts:
        title = source.title() if len(texts) % 2 else None
        texts[NewsText(source.body(), title)] = None  # a repeated text is not counted
    return list(texts)


@cache
def released_corpus() -> list[NewsText]:
    """Return the corpus of the vocabulary of the bundle that is served."""
    return generate_corpus(load_bundle(find_bundle(ROOT / "models" / "reuters")).vocabulary)


def to_object(text: NewsText) -> dict[str, str]:
    """Return a text as a client would send it."""
    return {"text": text.text} if text.title is None else {"title": text.title, "text": text.text}


def joined(text: NewsText) -> str:
    """Return a text with its title, if any, as its first line: what has no field for a title."""
    return text.text if text.title is None else f"{text.title}\n{text.text}"


@cache
def classify_bodies() -> Sequence[bytes]:
    """Return the bodies of ``POST /classify``, one text each."""
    return [json.dumps(to_object(text)).encode() for text in released_corpus()]


@cache
def joined_bodies() -> Sequence[bytes]:
    """Return the same without a field for the title: other model servers have none."""
    return [json.dumps({"text": joined(text)}).encode() for text in released_corpus()]


@cache
def batch_bodies() -> Sequence[bytes]:
    """Return the bodies of ``POST /classify/batch``, 256 texts each."""
    items = list(map(to_object, released_corpus()))
    starts = range(0, len(items), BATCH_SIZE)
    return [json.dumps({"items": items[at : at + BATCH_SIZE]}).encode() for at in starts]


@cache
def open_inference_bodies() -> Sequence[bytes]:
    """Return the bodies of the Open Inference Protocol (V2), one text each."""
    tensor = {"name": "text", "shape": [1], "datatype": "BYTES"}
    texts = map(joined, released_corpus())
    return [json.dumps({"inputs": [{**tensor, "data": [text]}]}).encode() for text in texts]


def _is_word(token: str) -> bool:
    """Whether a token of the vocabulary is a word, no number or token of a field."""
    return "#" not in token and ":" not in token


def _make_up_words(random: Random, known: set[str]) -> list[str]:
    """Return words that are not in the vocabulary."""
    made_up: dict[str, None] = {}
    while len(made_up) < N_UNKNOWN_WORDS:
        word = "".join(random.choices(SYLLABLES, k=random.randint(2, 4)))
        if word not in known:
            made_up[word] = None
    return list(made_up)


class _Words:
    """Draws words, and builds titles and bodies of them."""

    def __init__(self, random: Random, known: Sequence[str], unknown: Sequence[str]) -> None:
        self._random = random
        self._known, self._known_weights = known, _weights(len(known))
        self._unknown, self._unknown_weights = unknown, _weights(len(unknown))

    def title(self) -> str:
        """Return a title, each word with a capital."""
        return " ".join(
            word.capitalize() for word in self._draw(self._random.randint(*TITLE_WORDS))
        )

    def body(self) -> str:
        """Return sentences, some of which begin a line."""
        length = self._random.lognormvariate(0, LOG_WORDS_DEVIATION) * MEDIAN_WORDS
        words = self._draw(round(min(max(length, MIN_WORDS), MAX_WORDS)))
        parts = []
        start = 0
        while start < len(words):
            end = start + self._random.randint(*SENTENCE_WORDS)
            parts.append(self._sentence(words[start:end]))
            parts.append("\n" if self._random.random() < PARAGRAPH_SHARE else " ")
            start = end
        return "".join(parts[:-1])

    def _sentence(self, words: Sequence[str]) -> str:
        chance = self._random.random
        marked = [
            (word.capitalize() if chance() < CAPITAL_SHARE else word)
            + ("," if chance() < COMMA_SHARE else "")
            for word in words[:-1]
        ]
        sentence = " ".join([*marked, words[-1]])
        sentence = sentence[0].upper() + sentence[1:] + "."
        return f'"{sentence}"' if chance() < QUOTE_SHARE else sentence

    def _draw(self, n_words: int) -> list[str]:
        words = self._random.choices(self._known, cum_weights=self._known_weights, k=n_words)
        for place in range(n_words):
            chance = self._random.random()
            if chance < UNKNOWN_SHARE:
                (words[place],) = self._random.choices(
                    self._unknown, cum_weights=self._unknown_weights
                )
            elif chance < UNKNOWN_SHARE + NUMBER_SHARE:
                n_digits = self._random.randint(1, MAX_DIGITS)
                words[place] = str(self._random.randrange(10 ** (n_digits - 1), 10**n_digits))
            elif chance > 1 - REPEAT_SHARE:
                words[place] = words[self._random.randint(0, place)]
        return words


def _weights(n_words: int) -> list[float]:
    """Return the cumulative weights of words in order of their frequency."""
    return list(
        accumulate((rank + RANK_OFFSET) ** -RANK_EXPONENT for rank in range(1, n_words + 1))
    )
