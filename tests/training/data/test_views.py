import pytest

from service.model import TextEncoder
from training.data import Dataset
from training.data.views import keras_texts, views_of


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


def test_article_view_needs_articles(keras_dataset: Dataset, corpus_dataset: Dataset) -> None:
    (view,) = views_of(keras_dataset.test, keras_dataset.vocabulary).items()
    assert view[0] == "keras"
    assert view[1].topics is None
    views = views_of(corpus_dataset.test, corpus_dataset.vocabulary)
    assert list(views) == [
        *("keras", "article", "negatives", "stream", "headlines", "first_sentences")
    ]
    for name in ("keras", "article"):
        assert (views[name].labels == corpus_dataset.test.labels).all()
    for text, article in zip(views["article"].texts, corpus_dataset.test.articles, strict=True):
        assert (text.title, text.text) == (article.title, article.body)
