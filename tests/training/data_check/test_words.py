import numpy as np

from tests.training.data_check.texts import row
from training.data_check.words import read_words, unknown_shares

ROWS = [row("Rain, rain again", "a"), row("", "a"), row("More rain", "b", title="Again")]


def test_words_of_title_and_text_in_order() -> None:
    words = read_words(ROWS)
    assert words.word_ids.tolist() == [0, 0, 1, 1, 2, 0]
    assert words.lengths.tolist() == [3, 0, 3]
    assert words.n_distinct == 3


def test_counts_keep_the_words() -> None:
    words = read_words(ROWS)
    counts = words.counts()
    np.testing.assert_array_equal(counts.toarray(), [[2, 1, 0], [0, 0, 0], [1, 1, 1]])
    assert counts.dtype == np.float32
    assert words.word_ids.tolist() == [0, 0, 1, 1, 2, 0]


def test_unknown_words_are_those_of_one_row() -> None:
    assert unknown_shares(read_words(ROWS).counts()).tolist() == [0, 0, 1 / 3]


def test_rows_without_words() -> None:
    words = read_words([row("", "a"), row("...", "b")])
    assert words.lengths.tolist() == [0, 0]
    assert unknown_shares(words.counts()).tolist() == [0, 0]
