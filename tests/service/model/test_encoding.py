import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model.encoding import (
    FIRST_WORD_ID,
    START_ID,
    UNKNOWN_ID,
    TextEncoder,
    count_tokens,
    pad,
    split_words,
    with_title,
)

WORDS = ["oil", "prices", "rose", "company's", "u", "s", "1987"]
ENCODER = TextEncoder({word: FIRST_WORD_ID + rank for rank, word in enumerate(WORDS)})
KERAS_SEPARATORS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
KERAS_ALPHABET = st.characters(max_codepoint=126, min_codepoint=32) | st.sampled_from("\t\n")

any_text = st.text(st.characters(exclude_categories=()))  # lone surrogates too
known_words = st.lists(st.sampled_from(WORDS))
token_lists = st.lists(st.integers(UNKNOWN_ID, 50)).map(lambda ids: [START_ID, *ids])


def split_as_keras(text: str) -> list[str]:
    """Keras' rule, one character after the other."""
    words, word = [], ""
    for character in text.lower() + " ":
        if character == " " or character in KERAS_SEPARATORS:
            words += [word] if word else []
            word = ""
        else:
            word += character
    return words


@given(st.text(KERAS_ALPHABET))
def test_splits_as_keras_does(text: str) -> None:
    assert split_words(text) == split_as_keras(text)


@given(any_text)
def test_any_text_is_encoded(text: str) -> None:
    encoded = ENCODER.encode(text)
    assert encoded.token_ids.dtype == np.int64
    assert encoded.token_counts.dtype == np.float32
    assert encoded.token_ids.shape == encoded.token_counts.shape
    assert (np.diff(encoded.token_ids) > 0).all()
    assert START_ID in encoded.token_ids
    assert encoded.token_counts.sum() == 1 + encoded.n_words == len(ENCODER.token_ids(text))
    assert 0 <= encoded.n_known_words <= encoded.n_words
    assert 0 <= encoded.known_words_ratio <= 1


@given(any_text)
def test_case_of_ascii_does_not_matter(text: str) -> None:
    swapped = "".join(c.swapcase() if c.isascii() else c for c in text)
    assert ENCODER.token_ids(swapped) == ENCODER.token_ids(text)


@given(known_words)
def test_decoding_and_encoding_gives_the_same_ids(words: list[str]) -> None:
    ids = ENCODER.token_ids(" ".join(words))
    assert ENCODER.decode(ids[1:]) == " ".join(words)
    assert ENCODER.token_ids(ENCODER.decode(ids)) == ids


@given(st.lists(known_words), st.lists(st.sampled_from(" ,.!?;:()-\n\t"), min_size=1))
def test_separators_separate(groups: list[list[str]], separators: list[str]) -> None:
    between = "".join(separators)
    text = between.join(" ".join(group) for group in groups)
    assert split_words(text) == [word for group in groups for word in group]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \t\r\n\x0b\u00a0\u3000", []),
        ("OIL prices", ["oil", "prices"]),
        ("oil/prices--rose...", ["oil", "prices", "rose"]),
        ("The company's u.s. unit", ["the", "company's", "u", "s", "unit"]),
        ("company’s “oil”—prices… rose", ["company's", "oil", "prices", "rose"]),  # noqa: RUF001
        ("the ‘oil price’ of companies’ rose", ["the", "oil", "price", "of", "companies", "rose"]),  # noqa: RUF001
        ("o\u00adil\u200b\ufeff", ["oil"]),
        ("line one\r\nline two", ["line", "one", "line", "two"]),
        ("日本 Ölpreis", ["日本", "ölpreis"]),
    ],
)
def test_split_words(text: str, words: list[str]) -> None:
    assert split_words(text) == words


def test_a_word_outside_the_vocabulary_is_unknown() -> None:
    assert ENCODER.token_ids("zebra oil") == [START_ID, UNKNOWN_ID, FIRST_WORD_ID]
    encoded = ENCODER.encode("zebra oil zebra")
    assert (encoded.n_words, encoded.n_known_words) == (3, 1)
    assert encoded.known_words_ratio == pytest.approx(1 / 3)


def test_a_text_without_words_knows_none() -> None:
    assert ENCODER.encode("...").known_words_ratio == 0


def test_decode_gives_question_marks_for_reserved_and_foreign_ids() -> None:
    assert ENCODER.decode([0, 1, 2, 3, 4, 5, 999]) == "? ? ? ? oil prices ?"


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        ({"oil": 3}, "expected ids from 4, got 3 for 'oil'"),
        ({"oil": 4, "prices": 4}, "some ids repeat"),
    ],
)
def test_vocabularies_that_are_refused(vocabulary: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TextEncoder(vocabulary)


@given(st.lists(token_lists, min_size=1))
def test_padding_adds_nothing(texts: list[list[int]]) -> None:
    encoded = [count_tokens(ids) for ids in texts]
    token_ids, token_counts = pad(encoded)
    assert token_ids.shape == token_counts.shape
    for row, ids in enumerate(texts):
        assert token_counts[row].sum() == len(ids)
        present = {int(i): int(n) for i, n in zip(token_ids[row], token_counts[row], strict=True)}
        present.pop(0, None)
        assert present == {i: ids.count(i) for i in ids}


@pytest.mark.parametrize(
    ("title", "expected"), [(None, "body"), ("", "body"), ("Title", "Title\nbody")]
)
def test_title_stands_before_the_text(title: str | None, expected: str) -> None:
    assert with_title(title, "body") == expected
