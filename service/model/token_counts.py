"""The tokens of a text, sorted and counted: what the network reads."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

PAD_ID: Final = 0
START_ID: Final = 1
UNKNOWN_ID: Final = 2
FIRST_WORD_ID: Final = 4
"""Keras adds 3 to the frequency rank, which starts at 1: id 3 is never used."""
MAX_TOKEN_ID: Final = 1_000_000
"""Tables have at most this length; no released bundle needs a tenth of it."""
MAX_NUMBERS: Final = 8
"""Tokens that stand for numbers."""

_MAX_LEADING_IDS: Final = 2 + MAX_NUMBERS
"""START_ID, UNKNOWN_ID and the ids of numbers come first."""
_EVERY_TEXT: Final = np.array([PAD_ID, START_ID, np.iinfo(np.int64).max])
"""Ids that are first and last when sorted."""


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
