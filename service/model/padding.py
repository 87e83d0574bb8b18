"""Texts that go through the network together."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.model.encoder import EncodedText

CHUNK_TOKENS: Final = 4_096
"""How many tokens, padding included, go through the network at once."""


def pad(texts: Sequence[EncodedText]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Stack encoded texts into the two inputs of the network.

    Returns
    -------
    token_ids : int64 array of shape (n_texts, longest)
        Filled up with ``PAD_ID``.
    token_counts : float32 array of shape (n_texts, longest)
        Filled up with 0, so that padding adds nothing to any sum.
    """
    if len(texts) == 1:
        return texts[0].token_ids[np.newaxis], texts[0].token_counts[np.newaxis]
    shape = (len(texts), max(len(text.token_ids) for text in texts))
    token_ids = np.zeros(shape, dtype=np.int64)  # PAD_ID is 0
    token_counts = np.zeros(shape, dtype=np.float32)
    for row, text in enumerate(texts):
        length = len(text.token_ids)
        token_ids[row, :length] = text.token_ids
        token_counts[row, :length] = text.token_counts
    return token_ids, token_counts


def fits_a_chunk(n_texts: int, longest: int) -> bool:
    """Whether texts, the longest of so many distinct tokens, may go through the network at once."""
    return n_texts == 1 or n_texts * longest <= CHUNK_TOKENS


def chunks_of_like_length(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Group texts for inference, so that little is padded and a chunk fits the cache.

    Parameters
    ----------
    lengths : sequence of int, of length n_texts
        Distinct tokens of each text.

    Yields
    ------
    list of int
        Indices of texts, of which the shortest come first. A chunk has at most ``CHUNK_TOKENS``
        tokens with its padding, or one text.
    """
    chunk: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if chunk and not fits_a_chunk(len(chunk) + 1, lengths[index]):
            yield chunk
            chunk = []
        chunk.append(index)
    if chunk:
        yield chunk
