"""Which words spoke for an answer: what becomes of its score if a word is left out.

Leave-one-out is exact: each score is what the network gives to the text without the word, nothing
is approximated. Words that change the same tokens share a row of the inference.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.model.encoder import PAD_ID, EncodedText, NewsText, TokenChange
from service.model.manifest import Topic
from service.model.tokenization import Tokenizer

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


def place_words(text: NewsText, tokenizer: Tokenizer) -> list[tuple[str, Field, int, int]]:
    """Return every word of title and text, in the order in which an encoder takes them.

    Returns
    -------
    list of (word, field, start, end), as in a `WordEffect`
    """
    parts: tuple[tuple[Field, str], ...] = (("title", text.title or ""), ("text", text.text))
    return [
        (content[start:end], field, start, end)
        for field, content in parts
        for start, end in tokenizer.token_spans(content)
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
    token_ids : int64 array of shape (1, n_distinct + 1)
        Of all rows.
    token_counts : float32 array of shape (n_rows, n_distinct + 1)
        0 where the last of a token has gone.
    """
    token_ids = encoded.token_ids.tolist()
    columns = {token_id: column for column, token_id in enumerate(token_ids)}
    followers = {change.follower_id for change in changes} - columns.keys()
    token_ids.append(max(followers, default=PAD_ID))  # there is at most one
    columns[token_ids[-1]] = len(columns)
    columns[PAD_ID] = len(token_ids)  # a column for what changes nothing, to be cut off
    token_counts = np.zeros((len(changes), len(token_ids) + 1), dtype=np.float32)
    token_counts[:, : len(encoded.token_counts)] = encoded.token_counts
    rows = np.arange(len(changes))
    for place, difference in ((0, -1), (1, -1), (2, 1)):
        token_counts[rows, [columns[change[place]] for change in changes]] += difference
    return np.array([token_ids]), token_counts[:, :-1]
