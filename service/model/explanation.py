"""Which words spoke for an answer: what becomes of its score if a word is left out.

Leave-one-out is exact: each score is what the network gives to the text without the word, nothing
is approximated. Words that change the same tokens share a row of the inference.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.model.encoding import PAD_ID, EncodedText, NewsText, TokenChange
from service.model.manifest import Topic
from service.model.words import find_words

Field = Literal["title", "text"]


class WordEffect(NamedTuple):
    """What a word does to the score of a topic."""

    word: str
    """As it is written."""
    field: Field
    """Where it stands."""
    start: int
    end: int
    """Its place there, in code points: ``text[start:end]`` is the word."""
    known: bool
    """Whether the vocabulary holds it."""
    score_change: float
    """The score with the word less the score without it: above 0, it speaks for the topic."""


class Explanation(NamedTuple):
    """Which words spoke for a topic, and which against it."""

    topic: Topic
    words: list[WordEffect]
    """Every word of title and text, in their order."""


class PlacedWord(NamedTuple):
    """A word as it is written, and where."""

    word: str
    field: Field
    start: int
    end: int


def place_words(text: NewsText) -> list[PlacedWord]:
    """Give every word of title and text, in the order in which an encoder takes them."""
    parts: tuple[tuple[Field, str], ...] = (("title", text.title or ""), ("text", text.text))
    return [
        PlacedWord(content[start:end], field, start, end)
        for field, content in parts
        for start, end in find_words(content)
    ]


def leave_out_each(
    encoded: EncodedText, changes: Sequence[TokenChange]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Give the inputs of the network for a text without each of its words.

    Parameters
    ----------
    encoded : EncodedText
        The whole text.
    changes : sequence of TokenChange, of length n_rows
        What goes and comes in each row.

    Returns
    -------
    token_ids : int64 array of shape (n_rows, n_distinct + 1)
        ``PAD_ID`` where the last of a token has gone.
    token_counts : float32 array of shape (n_rows, n_distinct + 1)
        0 there.
    """
    followers = {change.follower_id for change in changes} - {PAD_ID, *encoded.token_ids.tolist()}
    token_ids = np.append(encoded.token_ids, max(followers, default=PAD_ID))  # at most one is new
    counts = np.append(encoded.token_counts, np.float32(0))
    columns = {token_id: column for column, token_id in enumerate(token_ids.tolist())}
    rows = np.arange(len(changes))
    token_counts = np.tile(counts, (len(changes), 1))
    for place, difference in ((0, -1), (1, -1), (2, 1)):
        changed = np.array([columns.get(change[place], -1) for change in changes])
        affected = np.array([change[place] != PAD_ID for change in changes])
        token_counts[rows[affected], changed[affected]] += difference
    return np.where(token_counts > 0, token_ids, PAD_ID), token_counts
