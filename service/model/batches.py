"""Texts that go through the network together."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.model.encoding import PAD_ID, EncodedText

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
    lengths = np.array([len(text.token_ids) for text in texts])
    filled = np.arange(lengths.max()) < lengths[:, np.newaxis]  # (n_texts, longest)
    token_ids = np.full(filled.shape, PAD_ID, dtype=np.int64)
    token_counts = np.zeros(filled.shape, dtype=np.float32)
    token_ids[filled] = np.concatenate([text.token_ids for text in texts])
    token_counts[filled] = np.concatenate([text.token_counts for text in texts])
    return token_ids, token_counts


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
        if chunk and (len(chunk) + 1) * lengths[index] > CHUNK_TOKENS:
            yield chunk
            chunk = []
        chunk.append(index)
    if chunk:
        yield chunk
