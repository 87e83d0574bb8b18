from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model.tokenization import token_spans, tokenize

WORDS = ["oil", "prices", "rose", "company's", "u", "s", "1987"]
KERAS_SEPARATORS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
KERAS_ALPHABET = st.characters(max_codepoint=126, min_codepoint=32) | st.sampled_from("\t\n")

known_words = st.lists(st.sampled_from(WORDS))


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
    assert tokenize(text) == split_as_keras(text)


@given(st.lists(known_words), st.lists(st.sampled_from(" ,.!?;:()-\n\t"), min_size=1))
def test_separators_separate(groups: list[list[str]], separators: list[str]) -> None:
    between = "".join(separators)
    text = between.join(" ".join(group) for group in groups)
    assert tokenize(text) == [word for group in groups for word in group]


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
        ("the “oil price’_ rose", ["the", "oil", "price", "rose"]),  # noqa: RUF001
        ("o\u00adil\u200b\ufeff", ["oil"]),
        ("line one\r\nline two", ["line", "one", "line", "two"]),
        ("日本 Ölpreis", ["日本", "ölpreis"]),
    ],
)
def test_split_words(text: str, words: list[str]) -> None:
    assert tokenize(text) == words


ODDITIES = "’‘_“”«»\u00ad\u200b\ufeffʼéßÅïﬀ\u2028\x1c\xa0"  # noqa: RUF001


@given(st.text(KERAS_ALPHABET | st.sampled_from(ODDITIES)))
def test_found_words_are_those_that_are_split(text: str) -> None:
    spans = token_spans(text)
    assert [tokenize(text[start:end]) for start, end in spans] == [
        [word] for word in tokenize(text)
    ]
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


@given(st.text())
def test_as_many_words_are_found_as_are_split(text: str) -> None:
    assert len(token_spans(text)) == len(tokenize(text))


def test_words_are_cut_out_as_they_are_written() -> None:
    text = "«Öl»: Peter’s ‘so\u00adcalled’ \u200bwells\u200b …"  # noqa: RUF001
    assert [text[start:end] for start, end in token_spans(text)] == [
        "Öl",
        "Peter’s",  # noqa: RUF001
        "so\u00adcalled",
        "wells",
    ]


def test_a_word_is_the_same_whatever_stands_beside_it() -> None:
    assert tokenize("ΟΔΟΣ") == ["οδος"]
    assert tokenize("ΟΔΟΣ.OIL") == ["οδος", "oil"]
