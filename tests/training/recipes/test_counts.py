import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model import NewsText
from service.model.field_encoder import NewsEncoder
from service.model.token_counts import START_ID
from training.recipes.counts import TokenCounts
from training.recipes.features import FeatureSettings, count_rows, fit_features

WORDS = st.sampled_from(
    ["oil", "oil's", "ox's", "rose", "12", "90's", "1990's", "٣", "123456789012", "it's", "q", "-"]
)
TEXT = st.lists(WORDS, max_size=50).map(" ".join)
NEWS = st.builds(NewsText, TEXT, st.none() | TEXT)


@given(st.lists(NEWS, min_size=2, max_size=6), st.lists(NEWS, max_size=3))
def test_rows_are_those_of_encoded_texts(known: list[NewsText], others: list[NewsText]) -> None:
    """An oracle: the encoder that serves, with the vocabulary of some of the texts."""
    texts = [*known, *others]
    counts = TokenCounts.of(texts)
    inside = np.arange(len(texts)) < len(known)
    labels = np.zeros(len(known), dtype=np.int64)
    encoder = fit_features(counts.only(inside), labels, FeatureSettings()).encoder
    n_ids = 4 + len(encoder.vocabulary)
    encoded = [encoder.encode(item.text, item.title) for item in texts]
    ours, theirs = counts.encoded(encoder, n_ids), count_rows(encoded, n_ids)
    starts = theirs.indices == START_ID
    np.testing.assert_array_equal(ours.indices, theirs.indices[~starts])
    theirs.data[starts] = 0
    np.testing.assert_array_equal(ours.toarray(), theirs.toarray())
    ratios = [item.known_words_ratio for item in encoded]
    assert counts.known_words_ratios(encoder).tolist() == ratios


def test_word_without_possessive_has_the_fields_of_the_other() -> None:
    texts = [NewsText("body", "oil"), NewsText("body", "oil"), NewsText("body", "oil's")]
    counts = TokenCounts.of(texts)
    encoder = NewsEncoder({"oil": 4, "title:oil": 5})
    rows = counts.encoded(encoder, 6).toarray()
    assert rows.tolist() == [[0, 0, 1, 0, 1, 1]] * 3


def test_document_frequencies() -> None:
    counts = TokenCounts.of([NewsText("oil oil", "a"), NewsText("oil 12"), NewsText("")])
    frequencies = dict(zip(counts.tokens, counts.document_frequencies().tolist(), strict=True))
    assert (frequencies["oil"], frequencies["#2"], frequencies["lead:oil"]) == (2, 1, 1)
    chosen = counts.only(np.array([False, True, True]))
    frequencies = dict(zip(chosen.tokens, chosen.document_frequencies().tolist(), strict=True))
    assert (frequencies["oil"], frequencies["title:a"]) == (1, 0)


@pytest.mark.parametrize("n_tokens", [1, 2, 3, 5, 8])
def test_most_frequent_tokens_are_kept_and_fields_have_their_word(n_tokens: int) -> None:
    texts = [NewsText(f"{word} and", word) for word in ("oil", "wheat", "corn") for _ in range(3)]
    counts = TokenCounts.of(texts)
    labels = np.zeros(len(texts), dtype=np.int64)
    features = fit_features(counts, labels, FeatureSettings(max_tokens=n_tokens))
    vocabulary = features.encoder.vocabulary
    assert len(vocabulary) <= n_tokens
    assert "and" in vocabulary
    assert {token.rpartition(":")[2] for token in vocabulary} <= vocabulary.keys()
