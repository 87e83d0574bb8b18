"""Exact and near duplicates, in a time that is linear in the number of words.

Rows are near duplicates if the sets of their shingles, 3 words each, have a Jaccard similarity of
about 0.8 or more. MinHash estimates it: A. Broder, "On the resemblance and containment of
documents", SEQUENCES 1997. Candidates agree in all hashes of a band (locality-sensitive hashing),
and each is compared with the first row of its bucket alone.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.data.splitting import connect, first_rows
from training.data_check.words import RowWords

MIN_SIMILARITY: Final = 0.8
SHINGLE_WORDS: Final = 3
N_HASHES: Final = 128  # the estimate has a standard error of 0.035 at 0.8
BAND_HASHES: Final = 4  # of 32 bands: one of them agrees with probability 0.9999999 at 0.8
CHUNK_WORDS: Final = 2**20  # hashed at once

_Hashes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Duplicates:
    """The first row that each row repeats: itself, if it repeats none."""

    exact: NDArray[np.int64]  # (n_rows,), of the same words in the same order
    near: NDArray[np.int64]  # (n_rows,), of the same cluster of exact and near duplicates


def find_duplicates(words: RowWords) -> Duplicates:
    """Find the duplicates among rows; rows without words are none."""
    exact = first_rows(_digests(words))
    rows = np.flatnonzero((words.lengths > 0) & (exact == np.arange(len(exact))))
    signatures = minhash(words, rows)
    pairs = [(np.arange(len(exact)), exact)]
    for band in range(0, N_HASHES, BAND_HASHES):
        keys = _combine(signatures[:, band : band + BAND_HASHES].astype(np.uint64).T)
        _, firsts, buckets = np.unique(keys, return_index=True, return_inverse=True)
        others = np.flatnonzero(firsts[buckets] != np.arange(len(rows)))
        first = firsts[buckets[others]]
        similar = (signatures[others] == signatures[first]).mean(axis=1) >= MIN_SIMILARITY
        pairs.append((rows[others[similar]], rows[first[similar]]))
    return Duplicates(exact, connect(len(exact), pairs))


def minhash(words: RowWords, rows: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return MinHash signatures of rows, none of them empty, (n_rows, N_HASHES)."""
    random = np.random.default_rng(0)
    factors = random.integers(2**64, size=N_HASHES, dtype=np.uint64) | np.uint64(1)
    offsets = random.integers(2**64, size=N_HASHES, dtype=np.uint64)
    signatures = np.empty((len(rows), N_HASHES), dtype=np.uint32)
    lengths = words.lengths[rows]
    chunks = np.cumsum(lengths) // CHUNK_WORDS
    for chunk in np.unique(chunks):
        places = np.flatnonzero(chunks == chunk)
        starts = np.concatenate([[0], np.cumsum(lengths[places])[:-1]])
        shingles = _shingles(words, rows[places])
        for number, (factor, offset) in enumerate(zip(factors, offsets, strict=True)):
            hashes = np.minimum.reduceat(shingles * factor + offset, starts)
            signatures[places, number] = hashes >> np.uint64(32)
    return signatures


def _shingles(words: RowWords, rows: NDArray[np.int64]) -> _Hashes:
    """Return a hash of each word of rows and the words that follow it, (n_words,)."""
    lengths = words.lengths[rows]
    ends = np.repeat(words.starts[rows + 1], lengths)
    within = np.arange(len(ends)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    places = np.repeat(words.starts[rows], lengths) + within
    shingle = []
    for following in range(SHINGLE_WORDS):
        at = places + following
        word_ids = words.word_ids[np.minimum(at, len(words.word_ids) - 1)]
        shingle.append(np.where(at < ends, word_ids + 1, 0).astype(np.uint64))
    return _combine(np.stack(shingle))


def _combine(parts: _Hashes) -> _Hashes:
    """Hash the columns of parts, (n_parts, n), to (n,), by the finaliser of SplitMix64.

    G. Steele et al., "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    combined = np.zeros(parts.shape[1], dtype=np.uint64)
    for part in parts:
        combined = combined * np.uint64(0x9E3779B97F4A7C15) + part + np.uint64(1)
        combined = (combined ^ (combined >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        combined = (combined ^ (combined >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        combined ^= combined >> np.uint64(31)
    return combined


def _digests(words: RowWords) -> Iterator[bytes | None]:
    """Yield a hash of the words of each row, None for a row without words."""
    for start, end in pairwise(words.starts.tolist()):
        content = words.word_ids[start:end].tobytes()
        yield hashlib.blake2b(content, digest_size=16).digest() if end > start else None
