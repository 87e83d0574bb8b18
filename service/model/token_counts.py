"""The tokens of a text, sorted and counted: what the network reads."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

PAD_ID: Final = 0
START_ID: Final = 1
UNKNOWN_ID: Final = 2
FIRST_WORD_ID: Final = 4
"""Keras adds 3 to the frequency rank, which starts at 1: id 3 is never used."""
MAX_TOKEN_ID: Final = 1_000_000
"""Tables have this length at most; no released bundle needs a tenth of it."""
MAX_NUMBERS: Final = 8
"""Tokens that stand for numbers."""

_MAX_LEADING_IDS: Final = 2 + MAX_NUMBERS
"""START_ID, UNKNOWN_ID and the ids of numbers come first."""
_EVERY_TEXT: Final = np.array([PAD_ID, START_ID, np.iinfo(np.int64).max])
"""What comes first and last when sorted."""
_ID_BITS: Final = MAX_TOKEN_ID.bit_length()
"""Of a number that has the row of a text in the bits above those of a token id."""
MAX_TEXTS: Final = 2 ** (31 - _ID_BITS) - 1
"""Counted together: their rows fit the other bits."""


class EncodedText(NamedTuple):
    """A text as the network reads it: a bag of tokens."""

    token_ids: NDArray[np.int64]
    """Shape (n_distinct,): distinct and ascending, so ``START_ID`` is the first."""
    token_counts: NDArray[np.float32]
    """Shape (n_distinct,): how often each id occurs, at least 1."""
    n_words: int
    n_known_words: int
    """Words in the vocabulary."""
    n_numbers: int
    """Words that are numbers, if these count neither as known nor as unknown."""
    known_words_ratio: float
    """Share of the words, without numbers, in the vocabulary, 0 to 1; 0 if there are none."""


def encode_token_ids(token_ids: Sequence[int]) -> EncodedText:
    """Encode token ids as from `TextEncoder.token_ids`; each counts as a word."""
    return count(np.array(token_ids[1:], np.int64))


def count(
    word_ids: NDArray[np.int64], *field_ids: NDArray[np.int64], last_number_id: int = PAD_ID
) -> EncodedText:
    """Sort and count the tokens of a text.

    Parameters
    ----------
    word_ids : int64 array of shape (n_words,)
    field_ids : int64 arrays
        Tokens of fields; ``PAD_ID`` stands for none.
    last_number_id : int
        Words with ids from ``FIRST_WORD_ID`` to this one are numbers.
    """
    sorted_ids = np.concatenate((_EVERY_TEXT, word_ids, *field_ids))
    sorted_ids.sort()
    (ends,) = (sorted_ids[1:] != sorted_ids[:-1]).nonzero()  # the last of each id, PAD_ID's first
    token_ids = sorted_ids[ends[1:]]
    token_counts = (ends[1:] - ends[:-1]).astype(np.float32)
    n_unknown = n_numbers = 0
    for place, token_id in enumerate(token_ids[:_MAX_LEADING_IDS].tolist()):
        if token_id == UNKNOWN_ID:
            n_unknown = int(token_counts[place])
        elif FIRST_WORD_ID <= token_id <= last_number_id:
            n_numbers += int(token_counts[place])
    n_words = len(word_ids)
    n_known = n_words - n_unknown - n_numbers
    ratio = n_known / (n_known + n_unknown) if n_words > n_numbers else 0.0
    return EncodedText(token_ids, token_counts, n_words, n_known, n_numbers, ratio)


def count_batch(
    word_ids: NDArray[np.int64],
    rows: NDArray[np.int64],
    field_ids: NDArray[np.int64],
    field_rows: NDArray[np.int64],
    *,
    n_texts: int,
    last_number_id: int = PAD_ID,
) -> list[EncodedText]:
    """Sort and count the tokens of several texts together, with the results of `count`.

    A call of numpy costs more than its work on one short text: from about four texts on, this is
    faster.

    Parameters
    ----------
    word_ids, field_ids : int64 arrays of shape (n_words,) and (n_field_ids,)
        As for `count`, of all texts.
    rows, field_rows : int64 arrays of the same shapes
        The text of each, 0 to n_texts - 1.
    n_texts : int
        At most ``MAX_TEXTS``.
    """
    starts = np.arange(n_texts + 1) << _ID_BITS  # PAD_ID of each text, and an end
    keys = np.concatenate(
        (
            starts,
            starts[:-1] + START_ID,
            (rows << _ID_BITS) + word_ids,
            (field_rows << _ID_BITS) + field_ids,
        ),
        dtype=np.int32,  # sorted in half the time
    )
    keys.sort()
    (ends,) = (keys[1:] != keys[:-1]).nonzero()
    token_ids = (keys[ends] & ((1 << _ID_BITS) - 1)).astype(np.int64)
    token_counts = (ends[1:] - ends[:-1]).astype(np.float32)  # of token_ids[1:]
    begins = (token_ids == PAD_ID).nonzero()[0].tolist()
    kinds = 3 * rows + (word_ids > UNKNOWN_ID) + (word_ids > max(UNKNOWN_ID, last_number_id))
    n_of_kinds = np.bincount(kinds, minlength=3 * n_texts).reshape(-1, 3).tolist()
    texts = zip(begins, [*begins[1:], len(token_ids)], n_of_kinds, strict=True)
    return [
        EncodedText(
            token_ids[begin + 1 : end],
            token_counts[begin : end - 1],
            n_unknown + n_numbers + n_known,
            n_known,
            n_numbers,
            n_known / (n_known + n_unknown) if n_known + n_unknown else 0.0,
        )
        for begin, end, (n_unknown, n_numbers, n_known) in texts
    ]
