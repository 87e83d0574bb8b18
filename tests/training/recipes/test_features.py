import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import TfidfVectorizer

from service.model import NewsText
from service.model.field_encoder import NewsEncoder
from service.model.token_counts import UNKNOWN_ID
from training.recipes.counts import TokenCounts
from training.recipes.features import FeatureSettings, fit_features, idf_igm

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
    ours = features.rows_of_counts(TokenCounts.of(news)).toarray()
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
    known, mixed = features.rows_of_counts(
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
    assert not features.rows_of_counts(TokenCounts.of([NewsText("...")])).toarray().any()
