import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model.encoder import NewsText, TextEncoder, describe_blank, is_blank, join_title
from service.model.padding import pad
from service.model.token_counts import FIRST_WORD_ID, START_ID, UNKNOWN_ID, count

BLANK = [None, "", " ", "\t\r\n", "\u00a0\u2028\u3000"]
WORDS = ["oil", "prices", "rose", "company's", "u", "s", "1987"]
ENCODER = TextEncoder({word: FIRST_WORD_ID + rank for rank, word in enumerate(WORDS)})

any_text = st.text(st.characters(exclude_categories=()))  # lone surrogates too
known_words = st.lists(st.sampled_from(WORDS))
token_lists = st.lists(st.integers(UNKNOWN_ID, 50)).map(lambda ids: [START_ID, *ids])


@given(any_text)
def test_any_text_is_encoded(text: str) -> None:
    encoded = ENCODER.encode(text)
    assert encoded.token_ids.dtype == np.int64
    assert encoded.token_counts.dtype == np.float32
    assert encoded.token_ids.shape == encoded.token_counts.shape
    assert encoded.token_ids.tolist() == sorted(set(ENCODER.token_ids(text)))
    assert encoded.token_ids[0] == START_ID
    assert encoded.token_counts.tolist() == [
        ENCODER.token_ids(text).count(token_id) for token_id in encoded.token_ids
    ]
    assert encoded.token_counts.sum() == 1 + encoded.n_words == len(ENCODER.token_ids(text))
    assert 0 <= encoded.n_known_words <= encoded.n_words
    assert 0 <= encoded.known_words_ratio <= 1


@given(any_text)
def test_case_of_ascii_does_not_matter(text: str) -> None:
    swapped = "".join(c.swapcase() if c.isascii() else c for c in text)
    assert ENCODER.token_ids(swapped) == ENCODER.token_ids(text)


@given(known_words)
def test_decoding_inverts_encoding(words: list[str]) -> None:
    ids = ENCODER.token_ids(" ".join(words))
    assert ENCODER.decode(ids[1:]) == " ".join(words)
    assert ENCODER.token_ids(ENCODER.decode(ids)) == ids


def test_word_outside_the_vocabulary_is_unknown() -> None:
    assert ENCODER.token_ids("zebra oil") == [START_ID, UNKNOWN_ID, FIRST_WORD_ID]
    encoded = ENCODER.encode("zebra oil zebra")
    assert (encoded.n_words, encoded.n_known_words) == (3, 1)
    assert encoded.known_words_ratio == pytest.approx(1 / 3)


def test_text_without_words_has_no_known_words() -> None:
    assert ENCODER.encode("...").known_words_ratio == 0


def test_decode_reserved_and_unknown_ids() -> None:
    assert ENCODER.decode([0, 1, 2, 3, 4, 5, 999]) == "? ? ? ? oil prices ?"


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        ({"oil": 3}, "expected ids from 4, got 3 for 'oil'"),
        ({"oil": 4, "prices": 4}, "expected unique ids, some repeat"),
    ],
)
def test_invalid_vocabularies_are_errors(vocabulary: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TextEncoder(vocabulary)


@given(st.lists(token_lists, min_size=1))
def test_padding_has_no_effect(texts: list[list[int]]) -> None:
    encoded = [count(np.array(ids[1:], np.int64)) for ids in texts]
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
def test_title_is_the_first_line(title: str | None, expected: str) -> None:
    assert join_title(title, "body") == expected


@pytest.mark.parametrize("blank", BLANK)
def test_text_or_title_is_enough(blank: str | None) -> None:
    for word in ("oil", " oil\n", "...", "\u200b", "\ufeff"):
        assert not is_blank(word, blank)
        assert not is_blank(blank, word)
    assert all(is_blank(blank, other) for other in BLANK)


@pytest.mark.parametrize(
    ("text", "title", "came"),
    [
        (None, None, "nothing"),
        ("", "", "nothing"),
        (" ", None, "only white space"),
        (None, "\n", "only white space"),
    ],
)
def test_describe_blank(text: str | None, title: str | None, came: str) -> None:
    expected = "expected a text or a title that is not only white space, got "
    assert describe_blank(text, title) == expected + came


def test_news_text_may_be_a_title_alone() -> None:
    assert NewsText(title="Oil") == NewsText("", "Oil")
