from dataclasses import replace

import numpy as np
import pytest

from service.model import TopicClassifier
from training.data import Dataset
from training.data.reuters_expected import TOPIC_CODES
from training.data.views import KnownTopics, views_of
from training.evaluation.evaluate import Evaluation, evaluate


def test_scores_of_perfect_predictions() -> None:
    labels = np.array([0, 1, 2, 2])
    perfect = Evaluation(labels, np.eye(3, dtype=np.float32)[labels])
    scores = perfect.scores()
    assert scores["accuracy"] == scores["macro_f1"] == scores["top_3_accuracy"] == 1
    assert scores["expected_calibration_error"] == scores["brier_score"] == 0


def test_scores_by_topic() -> None:
    labels = np.array([0, 0, 1, 2])
    answer = Evaluation(labels, np.eye(4, dtype=np.float32)[[0, 1, 1, 1]])
    rows = answer.by_topic(["a", "b", "c", "d"])
    assert rows[0] == {
        "topic": "a",
        "precision": 1.0,
        "recall": 0.5,
        "f1": pytest.approx(2 / 3),
        "test_newswires": 2,
    }
    assert rows[1]["precision"] == pytest.approx(1 / 3)
    assert rows[2]["f1"] == rows[3]["f1"] == 0
    assert rows[3]["test_newswires"] == 0


def test_all_topics_of_an_article_count(
    corpus_dataset: Dataset, classifier: TopicClassifier
) -> None:
    topics = views_of(corpus_dataset.test, corpus_dataset.vocabulary)["article"].topics
    assert topics is not None
    labels = corpus_dataset.test.labels
    assert topics.any_topic[np.arange(len(labels)), labels].all()

    answers = evaluate(classifier, corpus_dataset)["article"]
    articles = corpus_dataset.test.articles
    single, any_of = [], []
    for article, label, index in zip(articles, labels, answers.predicted, strict=True):
        any_of.append(TOPIC_CODES[index] in article.topics)
        if len(article.topics) == 1:
            single.append(index == label)
    scores = answers.scores()
    assert scores["any_topic_accuracy"] == pytest.approx(np.mean(any_of))
    assert scores["single_topic_accuracy"] == pytest.approx(np.mean(single))
    assert scores["accuracy"] < scores["any_topic_accuracy"]


def test_scores_of_margins() -> None:
    labels = np.array([0, 1])
    margins = np.array([[1.5, -1], [3, 2]], dtype=np.float32)
    scores = Evaluation(labels, margins, probabilistic=False).scores()
    assert set(scores) == {"accuracy", "top_3_accuracy", "macro_f1"}
    assert scores["accuracy"] == 0.5


def test_texts_that_all_have_several_topics_have_no_single_topic_accuracy() -> None:
    every = KnownTopics(np.ones((2, 2), dtype=bool), np.zeros(2, dtype=bool))
    predictions = Evaluation(np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]], np.float32))
    scores = replace(predictions, topics=every).scores()
    assert "single_topic_accuracy" not in scores
    assert (scores["accuracy"], scores["any_topic_accuracy"]) == (0.5, 1)
