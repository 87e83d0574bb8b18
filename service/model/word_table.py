"""A hash table in arrays: the ids of many words are found with a few calls of numpy."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.model.token_counts import UNKNOWN_ID

KEY_BYTES: Final = 16
"""Longest word of a key, in UTF-8: two integers, padded with zeros."""
SLOTS_PER_WORD: Final = 3
"""At least; rounded up to a power of two."""
_HALF: Final = KEY_BYTES // 2
_ROW_INTEGERS: Final = 4
"""The two of a key, the id, and one that is not used: rows of 32 bytes are copied the fastest."""
_FACTORS: Final = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], dtype=np.uint64)
"""Odd: multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4)."""
_MASKS: Final = [(1 << 8 * n_bytes) - 1 for n_bytes in range(_HALF + 1)]
_HEAD_MASKS: Final = np.array([*_MASKS, *_MASKS[-1:] * _HALF, 0], dtype=np.uint64).view(np.int64)
_TAIL_MASKS: Final = np.array([*_MASKS[:1] * _HALF, *_MASKS, 0], dtype=np.uint64).view(np.int64)
"""By the length of a word: which bits of the two integers are its own; none of a longer word."""


class WordTable:
    """Words with their ids: one for each slot of a table, and some of the others in a second one.

    Left out are words without a slot, about 2 %, and those of no byte or more than ``KEY_BYTES``.

    Parameters
    ----------
    word_ids : mapping of str to int
        The first words are the last to be left out.
    """

    def __init__(self, word_ids: Mapping[str, int]) -> None:
        words = [(word.encode(errors="surrogatepass"), i) for word, i in word_ids.items()]
        # a word with a zero would be taken for one without; no text has either
        words = [(w, i) for w, i in words if 0 < len(w) <= KEY_BYTES and b"\0" not in w]
        padded = b"".join(word.ljust(KEY_BYTES, b"\0") for word, _ in words)
        rows = np.zeros((len(words), _ROW_INTEGERS), dtype=np.int64)
        rows[:, :2] = np.frombuffer(padded, "<i8").reshape(-1, 2)
        rows[:, 2] = [i for _, i in words]
        self._first = _Slots(rows)
        self._second = _Slots(self._first.left_out, used_bits=self._first.n_bits)

    def find(
        self, text: bytes, starts: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the ids of words, ``UNKNOWN_ID`` for those that the table does not have.

        Parameters
        ----------
        text : bytes
            In UTF-8, with at least ``KEY_BYTES`` bytes from the start of each word on.
        starts, lengths : int64 arrays of shape (n_words,)
            Of the words, in bytes.

        Returns
        -------
        int64 array of shape (n_words,)
        """
        # the eight bytes from each place on, as an integer
        windows = np.ndarray((len(text) - _HALF + 1,), "<i8", text, strides=(1,)).copy()
        n_bytes = np.minimum(lengths, KEY_BYTES + 1)
        head = windows.take(starts) & _HEAD_MASKS.take(n_bytes)
        tail = windows.take(starts + _HALF) & _TAIL_MASKS.take(n_bytes)
        word_ids = self._first.find(head, tail)
        (others,) = (word_ids == UNKNOWN_ID).nonzero()
        word_ids[others] = self._second.find(head.take(others), tail.take(others))
        return word_ids


class _Slots:
    """A table with the first word of each hash, and an empty row for hashes without a word.

    A hash is as many bits as the table needs, after the ``used_bits`` of another table.
    """

    def __init__(self, rows: NDArray[np.int64], used_bits: int = 0) -> None:
        self.n_bits = (SLOTS_PER_WORD * len(rows)).bit_length()
        self._used_bits = np.uint64(used_bits)
        self._shift = np.uint64(64 - self.n_bits)
        taken, first = np.unique(self._slots_of(*rows[:, :2].T), return_index=True)
        self._rows = np.zeros((1 << self.n_bits, _ROW_INTEGERS), dtype=np.int64)
        self._rows[:, 2] = UNKNOWN_ID
        self._rows[taken] = rows[first]
        self.left_out = np.delete(rows, first, axis=0)

    def find(self, head: NDArray[np.int64], tail: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the ids of words, ``UNKNOWN_ID`` for those that are not here."""
        rows = self._rows.take(self._slots_of(head, tail), axis=0)
        is_same = (rows[:, 0] == head) & (rows[:, 1] == tail)
        return np.where(is_same, rows[:, 2], UNKNOWN_ID)

    def _slots_of(self, head: NDArray[np.int64], tail: NDArray[np.int64]) -> NDArray[np.int64]:
        hashes = head.view(np.uint64) * _FACTORS[0]
        hashes ^= tail.view(np.uint64) * _FACTORS[1]
        hashes <<= self._used_bits
        slots: NDArray[np.int64] = (hashes >> self._shift).view(np.int64)
        return slots
