import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import TfidfVectorizer

from service.model import NewsText
from service.model.field_encoder import NewsEncoder
from service.model.token_counts import UNKNOWN_ID
from training.recipes.features import (
    FeatureSettings,
    TokenCounts,
    count_ids,
    fit_features,
    idf_igm,
)

WORDS = st.sampled_from(["oil", "rose", "to", "12", "dlrs", "wheat", "a"])
TEXTS = [
    NewsText("Oil rose to 12 dlrs", "Oil"),
    NewsText("Wheat rose", "Wheat"),
    NewsText("Oil and wheat"),
    NewsText("Oil oil oil rose 15", "Oil rose"),
]


LABELS_OF_TEXTS = np.array([16, 5, 16, 16])
PLAIN = FeatureSettings(igm_weight=0.0)


@given(st.lists(st.lists(WORDS, min_size=1, max_size=8).map(" ".join), min_size=2, max_size=8))
def test_rows_are_those_of_scikit_learn(texts: list[str]) -> None:
    """An oracle: TF-IDF over the same tokens. Without rare words, which we drop, both agree."""
    news = [NewsText(text) for text in texts * 2]
    features = fit_features(TokenCounts.of(news), np.zeros(len(news), dtype=np.int64), PLAIN)
    ours = features.rows(TokenCounts.of(news)).toarray()
    vocabulary = {token: token_id - 4 for token, token_id in features.encoder.vocabulary.items()}
    vectorizer = TfidfVectorizer(
        analyzer=lambda item: NewsEncoder.field_tokens(item.text, item.title),
        vocabulary=vocabulary,
        sublinear_tf=True,
    )
    np.testing.assert_allclose(ours[:, 4:], vectorizer.fit_transform(news).toarray(), atol=1e-6)
    assert not ours[:, :4].any()


def test_frequent_tokens_have_low_ids_and_rare_ones_none() -> None:
    vocabulary = fit_features(TokenCounts.of(TEXTS), LABELS_OF_TEXTS, PLAIN).encoder.vocabulary
    assert list(vocabulary.values()) == list(range(4, 4 + len(vocabulary)))
    assert list(vocabulary)[:5] == ["#2", "lead:rose", "oil", "rose", "title:oil"]  # numbers first
    assert {"title:wheat", "#2"} <= vocabulary.keys()
    assert not {"and", "title:rose", "lead:wheat", "15"} & vocabulary.keys()


def test_unknown_word_weighs_as_word_of_one_text() -> None:
    features = fit_features(TokenCounts.of(TEXTS), LABELS_OF_TEXTS, PLAIN)
    assert features.token_weights[UNKNOWN_ID] == pytest.approx(np.log((1 + len(TEXTS)) / 2) + 1)
    assert features.token_weights[UNKNOWN_ID] > features.token_weights[4:].max()
    known, mixed = features.rows(
        TokenCounts.of([NewsText("wheat"), NewsText("wheat zebra yak")])
    ).toarray()
    wheat = features.encoder.vocabulary["wheat"]
    assert 0 < mixed[wheat] < known[wheat]
    assert np.linalg.norm(mixed) == pytest.approx(1)


def test_igm_of_tokens() -> None:
    """Three tokens in four texts each: of one topic, of two alike, of four alike."""
    labels = np.array([0, 0, 0, 0, 1, 1, 2, 3])
    present = np.array([[1] * 4 + [0] * 4, [0, 0, 1, 1, 1, 1, 0, 0], [0, 0, 0, 1, 1, 0, 1, 1]]).T
    plain = idf_igm(csr_array(present), labels, igm_weight=0)
    assert plain == pytest.approx([np.log(9 / 5) + 1] * 3)
    igm = idf_igm(csr_array(present), labels, igm_weight=1) / plain - 1
    assert igm == pytest.approx([1, 1 / (1 + 2), 1 / (1 + 2 + 3 + 4)])


def test_text_without_words_has_no_features() -> None:
    features = fit_features(TokenCounts.of(TEXTS), LABELS_OF_TEXTS, FeatureSettings())
    assert not features.rows(TokenCounts.of([NewsText("...")])).toarray().any()


TOKENS = st.sampled_from(
    ["oil", "oil's", "ox's", "rose", "12", "90's", "1990's", "٣", "123456789012", "it's", "q", "-"]
)
TEXT = st.lists(TOKENS, max_size=50).map(" ".join)
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
    ours = counts.encoded(encoder, n_ids)
    theirs = count_ids([encoder.token_ids(item.text, item.title)[1:] for item in texts], n_ids)
    np.testing.assert_array_equal(ours.indices, theirs.indices)
    np.testing.assert_array_equal(ours.toarray(), theirs.toarray())
    for row, text in zip(ours.toarray(), encoded, strict=True):
        np.testing.assert_array_equal(row[text.token_ids[1:]], text.token_counts[1:])
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
