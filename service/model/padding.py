"""Batches of encoded texts: padding and bucketing by length."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.model.token_counts import EncodedText

MAX_BATCH_TOKENS: Final = 4_096
"""Tokens of a batch, padding included; larger ones do not fit the CPU cache."""


def pad(texts: Sequence[EncodedText]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Stack encoded texts into the inputs of the network.

    Returns
    -------
    token_ids : int64 array of shape (n_texts, longest)
        Padded with ``PAD_ID``.
    token_counts : float32 array of shape (n_texts, longest)
        Padded with 0, so that padding has no effect.
    """
    shape = (len(texts), max(len(text.token_ids) for text in texts))
    token_ids = np.zeros(shape, dtype=np.int64)  # PAD_ID is 0
    token_counts = np.zeros(shape, dtype=np.float32)
    for row, text in enumerate(texts):
        length = len(text.token_ids)
        token_ids[row, :length] = text.token_ids
        token_counts[row, :length] = text.token_counts
    return token_ids, token_counts


def fits_one_batch(n_texts: int, longest: int) -> bool:
    """Whether texts fit one batch; ``longest`` is the highest number of distinct tokens."""
    return n_texts == 1 or n_texts * longest <= MAX_BATCH_TOKENS


def bucket_by_length(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Batch texts of similar length, so that little is padded.

    Parameters
    ----------
    lengths : sequence of int, of length n_texts
        Distinct tokens of each text.

    Yields
    ------
    list of int
        Indices of texts, shortest first: at most ``MAX_BATCH_TOKENS`` tokens with padding, or one
        text.
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and not fits_one_batch(len(batch) + 1, lengths[index]):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
