from collections.abc import Sequence

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
    count_rows,
    fit_encoder,
    idf_igm,
    tf_igm,
    weigh_tokens,
)

WORDS = st.sampled_from(["oil", "rose", "to", "12", "dlrs", "wheat", "a"])
TEXTS = [
    NewsText("Oil rose to 12 dlrs", "Oil"),
    NewsText("Wheat rose", "Wheat"),
    NewsText("Oil and wheat"),
    NewsText("Oil oil oil rose 15", "Oil rose"),
]
LABELS_OF_TEXTS = np.array([16, 5, 16, 16])
SETTINGS = FeatureSettings()


def counts_of(encoder: NewsEncoder, texts: Sequence[NewsText]) -> csr_array:
    encoded = [encoder.encode(item.text, item.title) for item in texts]
    return count_rows(encoded, 4 + len(encoder.vocabulary))


@given(st.lists(st.lists(WORDS, min_size=1, max_size=8).map(" ".join), min_size=2, max_size=8))
def test_rows_are_those_of_scikit_learn(texts: list[str]) -> None:
    """An oracle: TF-IDF over the same tokens. Without rare words, which we drop, both agree."""
    news = [NewsText(text) for text in texts * 2]
    encoder = fit_encoder(TokenCounts.of(news), 1, SETTINGS)
    counts = counts_of(encoder, news)
    ours = tf_igm(counts, weigh_tokens(counts, np.zeros(len(news), dtype=np.int64), 0.0)).toarray()
    vocabulary = {token: token_id - 4 for token, token_id in encoder.vocabulary.items()}
    vectorizer = TfidfVectorizer(
        analyzer=lambda item: NewsEncoder.field_tokens(item.text, item.title),
        vocabulary=vocabulary,
        sublinear_tf=True,
    )
    np.testing.assert_allclose(ours[:, 4:], vectorizer.fit_transform(news).toarray(), atol=1e-6)
    assert not ours[:, :4].any()


def test_frequent_tokens_have_low_ids_and_rare_ones_none() -> None:
    vocabulary = fit_encoder(TokenCounts.of(TEXTS), 2, SETTINGS).vocabulary
    assert list(vocabulary.values()) == list(range(4, 4 + len(vocabulary)))
    assert list(vocabulary)[:5] == ["#2", "lead:rose", "oil", "rose", "title:oil"]  # numbers first
    assert {"title:wheat", "#2"} <= vocabulary.keys()
    assert not {"and", "title:rose", "lead:wheat", "15"} & vocabulary.keys()


def test_unknown_word_weighs_as_word_of_one_text() -> None:
    encoder = fit_encoder(TokenCounts.of(TEXTS), 2, SETTINGS)
    weights = weigh_tokens(counts_of(encoder, TEXTS), LABELS_OF_TEXTS, 0.0)
    assert weights[UNKNOWN_ID] == pytest.approx(np.log((1 + len(TEXTS)) / 2) + 1)
    assert weights[UNKNOWN_ID] > weights[4:].max()
    asked = [NewsText("wheat"), NewsText("wheat zebra yak")]
    known, mixed = tf_igm(counts_of(encoder, asked), weights).toarray()
    wheat = encoder.vocabulary["wheat"]
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
    encoder = fit_encoder(TokenCounts.of(TEXTS), 2, SETTINGS)
    weights = weigh_tokens(counts_of(encoder, TEXTS), LABELS_OF_TEXTS, 1.0)
    assert not tf_igm(counts_of(encoder, [NewsText("...")]), weights).toarray().any()


def test_counts_of_token_ids_are_those_of_encoded_texts() -> None:
    encoder = fit_encoder(TokenCounts.of(TEXTS), 2, SETTINGS)
    encoded = counts_of(encoder, TEXTS)
    token_ids = [encoder.token_ids(item.text, item.title) for item in TEXTS]
    np.testing.assert_array_equal(
        count_ids(token_ids, encoded.shape[1]).toarray(), encoded.toarray()
    )


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
    settings = FeatureSettings(max_tokens=n_tokens)
    vocabulary = fit_encoder(TokenCounts.of(texts), 1, settings).vocabulary
    assert len(vocabulary) <= n_tokens
    assert "and" in vocabulary
    assert {token.rpartition(":")[2] for token in vocabulary} <= vocabulary.keys()
