from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model import TextEncoder
from service.model.encoding import FIRST_WORD_ID, START_ID, UNKNOWN_ID
from service.model.fields import FieldEncoder, field_tokens, field_words
from service.model.tokenization import tokenize

WORDS = ["oil", "rose", "to", "12", "1987", "dlrs"]
TOKENS = ["oil", "rose", "to", "#2", "#4", "dlrs", "title:oil", "title:#4", "lead:oil", "lead:dlrs"]
VOCABULARY = {token: FIRST_WORD_ID + rank for rank, token in enumerate(TOKENS)}
ENCODER = FieldEncoder(VOCABULARY)

texts = st.lists(st.sampled_from([*WORDS, "zebra", "\n", ". "]), max_size=60).map(" ".join)
titles = st.none() | texts


@given(texts, titles)
def test_the_encoder_looks_up_the_tokens(text: str, title: str | None) -> None:
    """The slow way: name every token, look it up; what is no word is left out if unknown."""
    tokens = field_tokens(text, title)
    words = [token for token in tokens if ":" not in token]
    fields = [token for token in tokens if ":" in token]
    expected = [VOCABULARY.get(word, UNKNOWN_ID) for word in words]
    expected += [VOCABULARY[token] for token in fields if token in VOCABULARY]
    assert ENCODER.token_ids(text, title) == [START_ID, *expected]

    encoded = ENCODER.encode(text, title)
    counts = dict(zip(encoded.token_ids.tolist(), encoded.token_counts.tolist(), strict=True))
    assert counts == Counter([START_ID, *expected])
    assert encoded.n_words == len(words)
    assert encoded.n_known_words == sum(word in VOCABULARY for word in words)


@given(st.text(), st.none() | st.text())
def test_any_text_is_encoded(text: str, title: str | None) -> None:
    encoded = ENCODER.encode(text, title)
    n_words = len(tokenize(text)) + len(tokenize(title or ""))
    assert encoded.n_words == n_words
    assert 0 <= encoded.known_words_ratio <= 1


@pytest.mark.parametrize(
    ("text", "title", "words"),
    [
        ("Oil rose", "Prices", (["prices"], ["oil", "rose"])),
        ("Prices\nOil rose", None, (["prices"], ["oil", "rose"])),
        ("\n\n Prices \r\nOil rose", None, (["prices"], ["oil", "rose"])),
        ("Prices\nOil rose", "", (["prices"], ["oil", "rose"])),
        ("Prices\nOil rose", " ... ", (["prices"], ["oil", "rose"])),
        ("Oil rose", None, (["oil", "rose"], [])),
        ("a " * 25 + "\nb", None, (["a"] * 25, ["b"])),
        ("a " * 26 + "\nb", None, ([], ["a"] * 26 + ["b"])),
        ("", None, ([], [])),
        ("", "Prices", (["prices"], [])),
    ],
)
def test_title_and_body(text: str, title: str | None, words: tuple[list[str], list[str]]) -> None:
    assert field_words(text, title) == words


def test_numbers_are_told_apart_by_their_length() -> None:
    tokens = field_tokens("7 12 1,987 123456789012 4th", "Sales")
    assert tokens[1:7] == ["#1", "#2", "#1", "#3", "#8", "4th"]


def test_the_lead_is_the_first_forty_words_of_the_body() -> None:
    tokens = field_tokens("a " * 30 + "b " * 10 + "c", "t " * 5)
    lead = [token for token in tokens if token.startswith("lead:")]
    assert lead == ["lead:a"] * 30 + ["lead:b"] * 10


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        ({"oil": 4, "title:oil": 4}, "some ids repeat"),
        ({"oil": 4, "title:wheat": 5}, "expected 'wheat' beside 'title:wheat'"),
        ({"oil": 4, "lead:wheat": 5}, "expected 'wheat' beside 'lead:wheat'"),
    ],
)
def test_vocabularies_that_are_refused(vocabulary: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FieldEncoder(vocabulary)


def test_with_keras_rule_a_title_is_text() -> None:
    encoder = TextEncoder({"oil": 4, "rose": 5})
    assert encoder.token_ids("rose", "Oil") == encoder.token_ids("Oil rose") == [1, 4, 5]
