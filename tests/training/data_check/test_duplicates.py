import random
from itertools import pairwise

import numpy as np
import pytest

from tests.training.data_check.texts import made_up_rows, row
from training.data.columns import LabelledRow
from training.data_check import duplicates
from training.data_check.duplicates import MIN_SIMILARITY, find_duplicates, minhash
from training.data_check.words import RowWords, read_words


def shingles(words: RowWords, number: int) -> set[tuple[int, ...]]:
    """The oracle's: with two blanks at the end, as every word begins one."""
    ids = [*words.word_ids[words.starts[number] : words.starts[number + 1]].tolist(), -1, -1]
    return set(zip(ids, ids[1:], ids[2:], strict=False))


def jaccard(words: RowWords, one: int, other: int) -> float:
    first, second = shingles(words, one), shingles(words, other)
    return len(first & second) / len(first | second)


def changed(text: str, n_words: int, source: random.Random) -> str:
    words = text.split()
    for place in source.sample(range(len(words)), n_words):
        words[place] = f"other{source.random()}"
    return " ".join(words)


@pytest.fixture
def varied() -> list[LabelledRow]:
    """Texts of 96 words, each followed by variants with more and more other words."""
    source = random.Random(3)  # noqa: S311
    texts = [item.text for item in made_up_rows(24)]
    rows = []
    for start in range(0, len(texts), 4):
        text = " ".join(texts[start : start + 4])
        rows += [row(text, "a"), *(row(changed(text, n, source), "a") for n in (1, 2, 3, 9, 30))]
    return rows


def test_estimated_similarity_is_that_of_the_sets(varied: list[LabelledRow]) -> None:
    words = read_words(varied)
    signatures = minhash(words, np.arange(len(varied)))
    errors = [
        (signatures[one] == signatures[other]).mean() - jaccard(words, one, other)
        for one, other in pairwise(range(len(varied)))
    ]
    assert np.abs(errors).max() < 0.15  # more than 3 standard errors
    assert abs(np.mean(errors)) < 0.02


def test_near_duplicates_are_those_of_a_brute_force_search(varied: list[LabelledRow]) -> None:
    words = read_words(varied)
    near = find_duplicates(words).near
    for one in range(len(varied)):
        for other in range(one):
            similarity = jaccard(words, one, other)
            if similarity > MIN_SIMILARITY + 0.1:
                assert near[one] == near[other]
            if similarity < 0.5:
                assert near[one] != near[other]


def test_exact_duplicates_differ_in_case_and_punctuation() -> None:
    rows = [
        *(row("Rain in the north", "a"), row("", "a"), row("rain, in the NORTH!", "b")),
        *(row("the north", "b", title="Rain in"), row("", "b"), row("the rain in north", "a")),
    ]
    found = find_duplicates(read_words(rows))
    assert found.exact.tolist() == [0, 1, 0, 0, 4, 5]
    assert found.near.tolist() == [0, 1, 0, 0, 4, 5]


def test_short_texts_of_one_beginning_are_not_duplicates() -> None:
    found = find_duplicates(read_words([row(text, "a") for text in ("rain", "rain now", "now")]))
    assert found.near.tolist() == [0, 1, 2]


def test_hashing_in_chunks(varied: list[LabelledRow], monkeypatch: pytest.MonkeyPatch) -> None:
    words, numbers = read_words(varied), np.arange(len(varied))
    whole = minhash(words, numbers)
    for chunk_words in (50, 1000):  # less than a text, and some texts
        monkeypatch.setattr(duplicates, "CHUNK_WORDS", chunk_words)
        np.testing.assert_array_equal(minhash(words, numbers), whole)


def test_no_rows_with_words() -> None:
    found = find_duplicates(read_words([row("", "a"), row("", "b")]))
    assert found.near.tolist() == [0, 1]
