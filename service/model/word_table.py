"""A hash table in arrays: the ids of many words are found with a few calls of numpy."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.model.token_counts import PAD_ID, UNKNOWN_ID

KEY_BYTES: Final = 16
"""Longest word of a key, in UTF-8: two integers, padded with zeros."""
SLOTS_PER_WORD: Final = 3
"""At least; rounded up to a power of two."""
PLACES: Final = 2
"""Words of a slot; further ones are left out."""
_HALF: Final = KEY_BYTES // 2
_FACTORS: Final = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], dtype=np.uint64)
"""Odd: multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4)."""
_MASKS: Final = [(1 << 8 * n_bytes) - 1 for n_bytes in range(_HALF + 1)]
_HEAD_MASKS: Final = np.array(_MASKS + _MASKS[-1:] * _HALF, dtype=np.uint64)
_TAIL_MASKS: Final = np.array(_MASKS[:1] * _HALF + _MASKS, dtype=np.uint64)
"""By the length of a word: which bits of the two integers are its own."""


class WordTable:
    """Words with their ids.

    Left out are words of more than ``KEY_BYTES`` bytes, and those without a place in their slot.

    Parameters
    ----------
    word_ids : mapping of str to int
    """

    def __init__(self, word_ids: Mapping[str, int]) -> None:
        words = [(word.encode(errors="surrogatepass"), i) for word, i in word_ids.items()]
        # a word with a zero would be taken for one without; no text has either
        words = [(word, i) for word, i in words if len(word) <= KEY_BYTES and b"\0" not in word]
        padded = b"".join(word.ljust(KEY_BYTES, b"\0") for word, _ in words)
        keys = np.frombuffer(padded, "<u8").reshape(-1, 2)
        n_bits = (SLOTS_PER_WORD * len(words)).bit_length()
        self._shift = np.uint64(64 - n_bits)
        slots = self._slots(*keys.T)
        nothing = len(words)
        self._keys = np.append(keys, np.zeros((1, 2), np.uint64), axis=0)
        self._ids = np.array([*(i for _, i in words), UNKNOWN_ID], dtype=np.int64)
        self._numbers = np.full((1 << n_bits, PLACES), nothing, dtype=np.int32)
        """By slot: which words it has; ``nothing`` where there is none."""
        left = np.arange(nothing)
        for place in range(PLACES):
            taken, first = np.unique(slots[left], return_index=True)
            self._numbers[taken, place] = left[first]
            left = np.delete(left, first)
        self._ids_of_others = np.full(1 << n_bits, UNKNOWN_ID, dtype=np.int8)
        """By slot: the id of a word that it does not have."""
        self._ids_of_others[slots[left]] = PAD_ID

    def find(
        self, text: bytes, starts: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the ids of words: ``UNKNOWN_ID`` if unknown, ``PAD_ID`` if perhaps left out.

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
        windows = np.ndarray((len(text) - _HALF + 1,), "<u8", text, strides=(1,)).copy()
        n_bytes = np.minimum(lengths, KEY_BYTES)
        head = windows.take(starts) & _HEAD_MASKS.take(n_bytes)
        tail = windows.take(starts + _HALF) & _TAIL_MASKS.take(n_bytes)
        slots = self._slots(head, tail)
        word_ids = self._ids_of_others.take(slots).astype(np.int64)
        for numbers in self._numbers.take(slots, axis=0).T:
            keys = self._keys.take(numbers, axis=0)
            is_same = (keys[:, 0] == head) & (keys[:, 1] == tail)
            np.copyto(word_ids, self._ids.take(numbers), where=is_same)
        word_ids[lengths > KEY_BYTES] = PAD_ID
        return word_ids

    def _slots(self, head: NDArray[np.uint64], tail: NDArray[np.uint64]) -> NDArray[np.int64]:
        hashes = head * _FACTORS[0] ^ tail * _FACTORS[1]
        slots: NDArray[np.int64] = (hashes >> self._shift).astype(np.int64)
        return slots
