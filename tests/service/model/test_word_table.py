"""The table of words, against the mapping that it is made of."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model import load_bundle
from service.model.token_counts import UNKNOWN_ID
from service.model.word_table import KEY_BYTES, WordTable, _Slots
from tests.conftest import LATEST

words = st.text(st.characters(exclude_characters=" \0", exclude_categories=["Cs"]), min_size=1)


def find(table: WordTable, wanted: list[str]) -> list[int]:
    encoded = [word.encode() for word in wanted]
    text = b" ".join((*encoded, b" " * KEY_BYTES))
    lengths = np.array([len(word) for word in encoded], dtype=np.int64)
    found = table.find(text, np.cumsum(lengths + 1) - lengths - 1, lengths)
    return [int(word_id) for word_id in found]


@given(st.lists(words, unique=True), st.lists(words))
def test_any_words(known: list[str], others: list[str]) -> None:
    ids = {word: number for number, word in enumerate(known, UNKNOWN_ID + 1)}
    asked = [*known, *others]
    for word, word_id in zip(asked, find(WordTable(ids), asked), strict=True):
        assert word_id in (ids.get(word, UNKNOWN_ID), UNKNOWN_ID)
        if len(word.encode()) > KEY_BYTES:
            assert word_id == UNKNOWN_ID


def test_released_vocabulary() -> None:
    """Hardly a word is left out, or the table would be of no use."""
    ids = {word: i for word, i in load_bundle(LATEST).vocabulary.items() if ":" not in word}
    found = find(WordTable(ids), [*ids])
    assert all(word_id in (i, UNKNOWN_ID) for word_id, i in zip(found, ids.values(), strict=True))
    assert found.count(UNKNOWN_ID) < 0.03 * len(ids)
    unknown = find(WordTable(ids), [f"{word}x" for word in ids if f"{word}x" not in ids])
    assert {*unknown} == {UNKNOWN_ID}


def test_words_of_one_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """All have one hash: the first two are found, each in a table."""
    monkeypatch.setattr(_Slots, "_slots_of", lambda _, head, tail: np.zeros(len(head), np.int64))
    table = WordTable({f"w{number}": 10 + number for number in range(4)})
    expected = [10, 11, UNKNOWN_ID, UNKNOWN_ID, UNKNOWN_ID]
    assert find(table, ["w0", "w1", "w2", "w3", "w4"]) == expected


def test_prefixes_and_zeros() -> None:
    """Keys are padded with zeros, and a long word begins as a short one does."""
    ids = {"a": 3, "a\0": 4, "abcdefgh": 5, "abcdefghi": 6, "abcdefghijklmnop": 7, "\ud800": 8}
    table = WordTable(ids)
    asked = ["a", "abcdefgh", "abcdefghi", "abcdefghijklmnop", "abcdefghijklmnopq", "b"]
    assert find(table, asked) == [3, 5, 6, 7, UNKNOWN_ID, UNKNOWN_ID]
    assert find(WordTable({}), ["a"]) == [UNKNOWN_ID]
    assert find(WordTable({"": 3}), ["abcdefghijklmnopq"]) == [UNKNOWN_ID]
