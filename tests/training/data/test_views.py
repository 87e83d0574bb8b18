import pytest

from service.model import TextEncoder
from training.data import Dataset
from training.data.views import keras_texts, texts_by_form


@pytest.mark.usefixtures("same_word_ids")
def test_keras_texts_are_the_same_words_from_either_source(
    keras_dataset: Dataset, corpus_dataset: Dataset
) -> None:
    decoded = keras_texts(keras_dataset.test, keras_dataset.vocabulary)
    original = keras_texts(corpus_dataset.test, corpus_dataset.vocabulary)
    encoder = TextEncoder(keras_dataset.vocabulary)
    for one, other in zip(decoded, original, strict=True):
        assert encoder.token_ids(one.text) == encoder.token_ids(other.text)
        assert "\n" not in one.text + other.text
        assert one.title is other.title is None


def test_own_texts_where_the_source_has_them(
    keras_dataset: Dataset, corpus_dataset: Dataset
) -> None:
    assert set(texts_by_form(keras_dataset.test, keras_dataset.vocabulary)) == {"keras_text"}
    texts = texts_by_form(corpus_dataset.test, corpus_dataset.vocabulary)
    assert set(texts) == {"keras_text", "own_text"}
    assert corpus_dataset.test.articles is not None
    for text, article in zip(texts["own_text"], corpus_dataset.test.articles, strict=True):
        assert (text.title, text.text) == (article.title, article.body)
