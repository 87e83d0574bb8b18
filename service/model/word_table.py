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
_MASKS: Final = np.array([(1 << 8 * n_bytes) - 1 for n_bytes in range(_HALF + 1)], dtype=np.uint64)
"""By how many bytes of an integer belong to a word."""


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
        ids = np.array([i for _, i in words], dtype=np.int64)
        n_bits = (SLOTS_PER_WORD * len(words)).bit_length()
        self._shift = np.uint64(64 - n_bits)
        self._keys = np.zeros((PLACES, 1 << n_bits, 2), dtype=np.uint64)
        self._ids = np.full((PLACES, 1 << n_bits), UNKNOWN_ID, dtype=np.int64)
        slots = self._slots(*keys.T)
        for place in range(PLACES):
            taken, first = np.unique(slots, return_index=True)
            self._keys[place, taken], self._ids[place, taken] = keys[first], ids[first]
            slots, keys, ids = (np.delete(each, first, axis=0) for each in (slots, keys, ids))
        # a word that is in no place of these slots may be one that is left out
        self._is_overfull = np.zeros(1 << n_bits, dtype=np.bool_)
        self._is_overfull[slots] = True

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
        head = windows.take(starts) & _MASKS.take(np.minimum(lengths, _HALF))
        tail = windows.take(starts + _HALF) & _MASKS.take((lengths - _HALF).clip(0, _HALF))
        slots = self._slots(head, tail)
        word_ids = self._look_up(0, slots, head, tail)
        (others,) = (word_ids == UNKNOWN_ID).nonzero()
        slots = slots[others]
        found = self._look_up(1, slots, head[others], tail[others])
        found[(found == UNKNOWN_ID) & self._is_overfull.take(slots)] = PAD_ID
        word_ids[others] = found
        word_ids[lengths > KEY_BYTES] = PAD_ID
        return word_ids

    def _look_up(
        self,
        place: int,
        slots: NDArray[np.int64],
        head: NDArray[np.uint64],
        tail: NDArray[np.uint64],
    ) -> NDArray[np.int64]:
        keys = self._keys[place].take(slots, axis=0)
        is_same = (keys[:, 0] == head) & (keys[:, 1] == tail)
        return np.where(is_same, self._ids[place].take(slots), UNKNOWN_ID)

    def _slots(self, head: NDArray[np.uint64], tail: NDArray[np.uint64]) -> NDArray[np.int64]:
        hashes = head * _FACTORS[0] ^ tail * _FACTORS[1]
        slots: NDArray[np.int64] = (hashes >> self._shift).astype(np.int64)
        return slots
