"""Leave-one-out explanations: how a score changes without each word.

The scores are exact: those of the network for the text without the word.
"""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.model.encoder import NewsText, TextEncoder, TokenChange
from service.model.manifest import Topic
from service.model.ranking import check_rows
from service.model.session import Session
from service.model.token_counts import PAD_ID, UNKNOWN_ID, EncodedText
from service.model.tokenization import Tokenizer

Field = Literal["title", "text"]
MAX_CELLS: Final = 2**20
"""Token counts per inference of an explanation: 4 MB."""


class WordEffect(NamedTuple):
    """The effect of a word on the score of a topic."""

    word: str  # as written
    field: Field
    start: int
    end: int  # in code points: text[start:end] is the word
    known: bool  # whether it is in the vocabulary
    score_change: float  # the score with the word minus the score without it


class Explanation(NamedTuple):
    """The effect of each word on the score of a topic."""

    topic: Topic
    words: list[WordEffect]  # words of title and text, in order


def word_effects(
    text: NewsText, topic_id: int, encoder: TextEncoder, session: Session
) -> list[WordEffect]:
    """Return the effect of each word of a text, in order, on the score of a topic.

    Raises InferenceError if the network's output is not a probability distribution.
    """
    encoded = encoder.encode(text.text, text.title)
    whole = session.run(encoded.token_ids[np.newaxis], encoded.token_counts[np.newaxis])
    check_rows(whole)
    changes = encoder.token_changes(text.text, text.title)
    rows = {change: row for row, change in enumerate(dict.fromkeys(changes))}
    distinct = [*rows]
    n_at_once = max(1, MAX_CELLS // (1 + len(encoded.token_ids)))
    effects: list[float] = []
    for start in range(0, len(distinct), n_at_once):
        inputs = leave_one_out_inputs(encoded, distinct[start : start + n_at_once])
        without = session.run(*inputs)
        check_rows(without)
        effects += (whole[0, topic_id] - without[:, topic_id]).tolist()
    return [
        WordEffect(*placed, change.word_id != UNKNOWN_ID, effects[rows[change]])
        for placed, change in zip(locate_words(text, encoder.tokenizer), changes, strict=True)
    ]


def locate_words(text: NewsText, tokenizer: Tokenizer) -> list[tuple[str, Field, int, int]]:
    """Return the first fields of `WordEffect` for each word, in the order of the encoder."""
    parts: tuple[tuple[Field, str], ...] = (("title", text.title or ""), ("text", text.text))
    return [
        (content[start:end], field, start, end)
        for field, content in parts
        for start, end in tokenizer.token_spans(content)
    ]


def leave_one_out_inputs(
    encoded: EncodedText, changes: Sequence[TokenChange]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the inputs of the network for a text, with a row for each change.

    Returns
    -------
    token_ids : int64 array of shape (1, n_distinct + 1)
        Shared by all rows.
    token_counts : float32 array of shape (n_changes, n_distinct + 1)
        0 where a row does not have the token.
    """
    token_ids = encoded.token_ids.tolist()
    columns = {token_id: column for column, token_id in enumerate(token_ids)}
    followers = {change.follower_id for change in changes} - columns.keys()
    token_ids.append(max(followers, default=PAD_ID))  # there is at most one
    columns[token_ids[-1]] = len(columns)
    columns[PAD_ID] = len(token_ids)  # a column for absent changes, cut off below
    token_counts = np.zeros((len(changes), len(token_ids) + 1), dtype=np.float32)
    token_counts[:, : len(encoded.token_counts)] = encoded.token_counts
    rows = np.arange(len(changes))
    for place, difference in ((0, -1), (1, -1), (2, 1)):
        token_counts[rows, [columns[change[place]] for change in changes]] += difference
    return np.array([token_ids]), token_counts[:, :-1]
