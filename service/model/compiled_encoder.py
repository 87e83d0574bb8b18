"""The encoder in C, ``encoding.c``: loaded if it has been compiled, as ``make`` does."""

import ctypes
from collections.abc import Mapping, Sequence
from ctypes import POINTER, c_char_p, c_int32, c_int64, c_uint32, c_uint64, c_void_p
from functools import cache
from threading import local
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.model.compile_encoder import checksum, checksum_path, library_path, this_platform
from service.model.token_counts import MAX_NUMBERS, UNKNOWN_ID, EncodedText

KEPT_BYTES: Final = 16_384
"""Texts up to this are encoded in memory that a thread keeps. Longer ones release the GIL."""
OTHER_DIGIT: Final = b"\xff"
"""Stands for any decimal digit of another script: its value does not matter."""
_KEY_BYTES: Final = 16  # bytes that may be read behind a word
_LINE_BYTES: Final = 64  # cache line of the processor; a slot is within one
_RESULT_BYTES: Final = 32
_ID_BYTES: Final = 8
_TOKEN_BYTES: Final = _ID_BYTES + 4  # with its count


class EncoderOptions(NamedTuple):
    """The differences between encoders."""

    lead_words: int
    max_title_words: int
    last_number_id: int
    splits_apostrophes: bool
    drops_possessive: bool
    ends_line_at_return: bool


class _Slot(ctypes.Structure):
    """The struct Slot of encoding.c."""

    _fields_ = (
        ("key", c_uint64 * 2),
        ("begin", c_uint32),
        ("id", c_uint32),
        ("title_id", c_uint32),
        ("lead_id", c_uint32),
    )


class _Vocabulary(ctypes.Structure):
    """The struct Vocabulary of encoding.c."""

    _fields_ = (
        ("words", c_char_p),
        ("slots", c_void_p),
        ("mask", c_uint64),
        ("unknown", _Slot),
        ("numbers", _Slot * (MAX_NUMBERS + 1)),
        ("last_number_id", c_uint32),
        ("splits_apostrophes", c_int32),
        ("drops_possessive", c_int32),
        ("ends_line_at_return", c_int32),
        ("lead_words", c_int64),
        ("max_title_words", c_int64),
    )


class Library(NamedTuple):
    """The functions of encoding.c."""

    holding_gil: Any
    """Calls hold the GIL, which a waiting thread would otherwise keep for milliseconds."""
    releasing_gil: Any


@cache
def load_library() -> Library | None:
    """Return the library of this platform, or None if it is missing or out of date.

    Loaded once: a library that is compiled later may be for a later version of this module.
    """
    name = this_platform()
    path = library_path(name)
    try:
        if checksum_path(name).read_text() != checksum(path.read_bytes()):
            return None
        holding = ctypes.PyDLL(str(path))
    except (OSError, ValueError):
        return None
    releasing = ctypes.CDLL(str(path), handle=holding._handle)
    for library in (holding, releasing):
        vocabulary = POINTER(_Vocabulary)
        library.count_slots.argtypes = (c_int64,)
        library.count_slots.restype = c_int64
        library.fill_slots.argtypes = (vocabulary, *(c_void_p,) * 4, c_int64)
        library.fill_slots.restype = None
        library.work_bytes.argtypes = (c_int64,)
        library.work_bytes.restype = c_int64
        library.encode.argtypes = (vocabulary, *(c_char_p, c_int64) * 2, c_int32, c_void_p)
        library.encode.restype = None
    return Library(holding, releasing)


class CompiledEncoder:
    """Encodes text in C, with the results of `FieldEncoder`. Safe to use from several threads.

    Parameters
    ----------
    library : Library
        From `load_library`.
    word_ids : mapping of str to int
    field_ids : int64 array of shape (2, n_ids)
        Ids of the tokens of a word in title and lead, by the id of the word.
    number_ids : sequence of int, of length ``MAX_NUMBERS`` + 1
        Id of a number, by its number of digits.
    """

    def __init__(
        self,
        library: Library,
        word_ids: Mapping[str, int],
        field_ids: NDArray[np.int64],
        number_ids: Sequence[int],
        options: EncoderOptions,
    ) -> None:
        # no word of a text contains a zero byte
        known = {word: i for word, i in word_ids.items() if word and "\0" not in word}
        utf8 = [word.encode(errors="surrogatepass") + b"\0" for word in known]
        begins = np.cumsum([0, *map(len, utf8)], dtype=np.int64)
        ids = np.array([*known.values()], dtype=np.int64)
        columns = np.stack((ids, *field_ids[:, ids])).astype(np.uint32)
        n_slots = library.holding_gil.count_slots(len(known))
        self._words = b"".join((*utf8, bytes(_KEY_BYTES)))
        self._slots = np.zeros(n_slots * ctypes.sizeof(_Slot) + _LINE_BYTES, dtype=np.uint8)
        self._vocabulary = _Vocabulary(
            words=self._words,
            slots=-(-self._slots.ctypes.data // _LINE_BYTES) * _LINE_BYTES,
            mask=n_slots - 1,
            unknown=_Slot(id=UNKNOWN_ID),
            numbers=tuple(
                _Slot(id=i, title_id=field_ids[0, i], lead_id=field_ids[1, i]) for i in number_ids
            ),
            **options._asdict(),
        )
        self._pointer = ctypes.pointer(self._vocabulary)
        library.holding_gil.fill_slots(
            self._pointer,
            begins.ctypes.data,
            *(column.ctypes.data for column in columns),
            len(known),
        )
        self._library = library
        self._memory = _Memory(library.holding_gil.work_bytes(KEPT_BYTES))

    def encode(self, title: bytes, text: bytes, *, may_begin_with_title: bool) -> EncodedText:
        """Encode a text in UTF-8.

        Text beyond ASCII must consist of words of the tokenizer, with `OTHER_DIGIT` for the digits
        of other scripts.

        Parameters
        ----------
        may_begin_with_title : bool
            Whether the first line is the title if ``title`` has no word and the line is short.
        """
        n_bytes = len(title) + len(text)
        memory, library = self._memory, self._library.holding_gil
        if n_bytes > KEPT_BYTES:
            library = self._library.releasing_gil
            memory = _Memory(library.work_bytes(n_bytes))
        library.encode(
            self._pointer, title, len(title), text, len(text), may_begin_with_title, memory.address
        )
        n_tokens, n_words, n_unknown, n_numbers = memory.result.tolist()
        n_known = n_words - n_unknown - n_numbers
        tokens = memory.tokens[: n_tokens * _TOKEN_BYTES].tobytes()
        return EncodedText(
            np.frombuffer(tokens, np.int64, n_tokens),
            np.frombuffer(tokens, np.float32, n_tokens, n_tokens * _ID_BYTES),
            n_words,
            n_known,
            n_numbers,
            n_known / (n_known + n_unknown) if n_words > n_numbers else 0.0,
        )


class _Memory(local):
    """Memory for a text; each thread has its own."""

    def __init__(self, n_bytes: int) -> None:
        memory = np.empty(n_bytes, dtype=np.uint8)
        self.address = memory.ctypes.data
        self.result = memory[:_RESULT_BYTES].view(np.int64)
        self.tokens = memory[_RESULT_BYTES:]
