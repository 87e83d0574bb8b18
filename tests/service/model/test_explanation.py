"""Explanations beside brute force: each word blanked out, and the text classified again."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.model import NewsText, TopicClassifier, load_classifier
from tests.conftest import RELEASED
from training.data import Dataset

CRUDE = "OPEC ministers agreed to cut crude oil output, and oil prices rose 18 pct."


@pytest.fixture(scope="module")
def book() -> TopicClassifier:
    """Keras' encoder: no fields."""
    return load_classifier(RELEASED / "1")


def score(classifier: TopicClassifier, text: NewsText, topic_id: int) -> float:
    (row,) = classifier.infer([classifier.encode(text)])
    return float(row[topic_id])


def assert_as_by_brute_force(classifier: TopicClassifier, text: NewsText) -> None:
    explanation = classifier.explain(text)
    whole = score(classifier, text, explanation.topic.id)
    (prediction,) = classifier.classify([text], top_k=1)
    assert explanation.topic == prediction.topics[0].topic
    assert len(explanation.words) == classifier.encode(text).n_words
    for effect in explanation.words:
        content = text.text if effect.field == "text" else text.title or ""
        assert content[effect.start : effect.end] == effect.word
        blanked = content[: effect.start] + " " * len(effect.word) + content[effect.end :]
        without = (
            NewsText(blanked, text.title)
            if effect.field == "text"
            else NewsText(text.text, blanked)
        )
        expected = whole - score(classifier, without, explanation.topic.id)
        assert effect.score_change == pytest.approx(expected, abs=2e-6), effect


@pytest.mark.parametrize(
    "text",
    [
        NewsText(CRUDE, "Oil rises again"),
        NewsText("\n".join(["Oil prices rise", CRUDE, *[CRUDE] * 4])),
        NewsText(" ".join([CRUDE] * 12)),
        NewsText("oil"),
        NewsText("zxcvb"),
        NewsText("Öl, the “oil” of Peter’s wells\u200b", "Two\u00adparts here"),
    ],
)
def test_small_texts(classifier: TopicClassifier, book: TopicClassifier, text: NewsText) -> None:
    for each in (classifier, book):
        assert_as_by_brute_force(each, text)


def test_newswires(classifier: TopicClassifier, corpus_dataset: Dataset) -> None:
    """Those with a title of several words, for a title without words is none at all."""
    articles = corpus_dataset.test.articles
    texts = [article.news_text for article in articles[:400:8]]
    checked = [text for text in texts if len((text.title or "").split()) > 2]
    assert len(checked) > 30
    for text in checked:
        assert_as_by_brute_force(classifier, text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(), st.none() | st.text())
def test_any_text_is_explained(classifier: TopicClassifier, text: str, title: str | None) -> None:
    explanation = classifier.explain(NewsText(text, title))
    for effect in explanation.words:
        content = text if effect.field == "text" else title or ""
        assert content[effect.start : effect.end] == effect.word


def test_long_texts_are_explained_in_several_inferences(classifier: TopicClassifier) -> None:
    words = list(classifier.encoder.vocabulary)[:600]
    assert_as_by_brute_force(classifier, NewsText(" ".join(words[:300]), "Many words here"))


def test_explanation_of_another_topic(classifier: TopicClassifier) -> None:
    ship = next(topic for topic in classifier.topics if topic.code == "ship")
    explanation = classifier.explain("The ship carried crude oil.", ship)
    assert explanation.topic == ship
    effect = {word.word: word.score_change for word in explanation.words}
    assert effect["ship"] > 0 > effect["oil"]


def test_text_without_words_has_no_effects(classifier: TopicClassifier) -> None:
    assert classifier.explain(" ... ").words == []
