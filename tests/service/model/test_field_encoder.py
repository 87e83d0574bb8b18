from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model import TextEncoder
from service.model.field_encoder import FieldEncoder, NewsEncoder
from service.model.token_counts import FIRST_WORD_ID, START_ID, UNKNOWN_ID
from service.model.tokenization import KERAS_TOKENIZER

WORDS = ["oil", "rose", "to", "12", "1987", "dlrs"]
TOKENS = ["oil", "rose", "to", "#2", "#4", "dlrs", "title:oil", "title:#4", "lead:oil", "lead:dlrs"]
VOCABULARY = {token: FIRST_WORD_ID + rank for rank, token in enumerate(TOKENS)}
ENCODER = FieldEncoder(VOCABULARY)

texts = st.lists(st.sampled_from([*WORDS, "zebra", "\n", ". "]), max_size=60).map(" ".join)
titles = st.none() | texts


@given(texts, titles)
def test_the_encoder_looks_up_the_tokens(text: str, title: str | None) -> None:
    """The slow way: name every token, look it up; what is no word is left out if unknown."""
    tokens = FieldEncoder.field_tokens(text, title)
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
    n_words = len(KERAS_TOKENIZER.tokenize(text)) + len(KERAS_TOKENIZER.tokenize(title or ""))
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
    assert FieldEncoder.field_words(text, title) == words


def test_numbers_are_distinguished_by_length() -> None:
    tokens = FieldEncoder.field_tokens("7 12 1,987 123456789012 4th", "Sales")
    assert tokens[1:7] == ["#1", "#2", "#1", "#3", "#8", "4th"]


def test_the_lead_is_the_first_forty_words_of_the_body() -> None:
    tokens = FieldEncoder.field_tokens("a " * 30 + "b " * 10 + "c", "t " * 5)
    lead = [token for token in tokens if token.startswith("lead:")]
    assert lead == ["lead:a"] * 30 + ["lead:b"] * 10


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        ({"oil": 4, "title:oil": 4}, "expected unique ids, some repeat"),
        ({"oil": 4, "title:wheat": 5}, "expected 'wheat' beside 'title:wheat'"),
        ({"oil": 4, "lead:wheat": 5}, "expected 'wheat' beside 'lead:wheat'"),
    ],
)
def test_invalid_vocabularies_are_errors(vocabulary: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FieldEncoder(vocabulary)


def test_text_encoder_has_no_title_tokens() -> None:
    encoder = TextEncoder({"oil": 4, "rose": 5})
    assert encoder.token_ids("rose", "Oil") == encoder.token_ids("Oil rose") == [1, 4, 5]


NEWS_TOKENS = ["#2", "#4", "oil", "rose", "to", "dlrs", "title:oil", "title:#4", "lead:oil"]
NEWS = NewsEncoder({token: FIRST_WORD_ID + rank for rank, token in enumerate(NEWS_TOKENS)})


@given(texts, titles)
def test_news_encoder_looks_up_the_tokens(text: str, title: str | None) -> None:
    tokens = NewsEncoder.field_tokens(text, title)
    words = [token for token in tokens if ":" not in token]
    fields = [token for token in tokens if ":" in token]
    expected = [NEWS.vocabulary.get(word, UNKNOWN_ID) for word in words]
    expected += [NEWS.vocabulary[token] for token in fields if token in NEWS.vocabulary]
    assert NEWS.token_ids(text, title) == [START_ID, *expected]

    encoded = NEWS.encode(text, title)
    counts = dict(zip(encoded.token_ids.tolist(), encoded.token_counts.tolist(), strict=True))
    assert counts == Counter([START_ID, *expected])
    assert encoded.n_words == len(words)
    assert encoded.n_numbers == sum(word.startswith("#") for word in words)
    assert encoded.n_known_words == sum(word in {"oil", "rose", "to", "dlrs"} for word in words)


@given(st.text(), st.none() | st.text())
def test_any_text_is_encoded_by_the_news_encoder(text: str, title: str | None) -> None:
    assert 0 <= NEWS.encode(text, title).known_words_ratio <= 1
    assert len(NEWS.token_changes(text, title)) == NEWS.encode(text, title).n_words


def test_numbers_are_neither_known_nor_unknown() -> None:
    assert NEWS.encode("1987 18 1111 22").known_words_ratio == 0
    assert NEWS.encode("Oil rose 18 to 1987").known_words_ratio == 1
    assert NEWS.encode("Oil 18 zebra").known_words_ratio == 0.5
    assert FieldEncoder({"#2": 4, "oil": 5}).encode("oil 18 zebra 18").known_words_ratio == 0.75


def test_possessive_is_looked_up_without_its_ending() -> None:
    assert NEWS.token_ids("Oil's") == NEWS.token_ids("Oil’s") == NEWS.token_ids("Oil")
    assert NEWS.token_ids("zebra's") == NEWS.token_ids("zebra")
    assert NEWS.encode("", "Oil's").known_words_ratio == 1
    known = NewsEncoder({"oil": 4, "oil's": 5})
    assert known.token_ids("oil's oil") == [START_ID, 5, 4]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028", "\u2029"])
def test_every_line_end_ends_the_title(end: str) -> None:
    assert NewsEncoder.field_words(f"Oil{end}It rose", None) == (["oil"], ["it", "rose"])


def test_numbers_have_the_lowest_ids() -> None:
    with pytest.raises(ValueError, match=r"expected ids from 4 for numbers, got \[5\]"):
        NewsEncoder({"oil": 4, "#2": 5})
