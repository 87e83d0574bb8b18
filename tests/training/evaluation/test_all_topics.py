from pathlib import Path

import numpy as np
import pytest

from service.model import load_classifier
from tests.synthetic_bundles import NO_TOPIC_TEXT, code_of, save_synthetic_bundle, text_of
from training.data import Article, Dataset, Split
from training.evaluation.evaluate import AllTopics, evaluate
from training.evaluation.metrics import all_topics_scores

TRUE, FALSE = True, False


def test_scores_of_a_table() -> None:
    """Counted by hand: 4 found, 3 of them right, of 5; two of four texts exactly."""
    any_topic = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 0]], dtype=bool)
    found = np.array([[1, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0]], dtype=bool)
    ranked = np.array([[0.9, 0.1, 0.1], [0.8, 0.6, 0.7], [0.9, 0.8, 0.1], [0.1, 0.2, 0.3]])
    scores = all_topics_scores(any_topic, found, ranked.astype(np.float32))
    assert scores == pytest.approx(
        {
            "all_topics_precision": 3 / 4,
            "all_topics_recall": 3 / 5,
            "all_topics_micro_f1": 2 * 3 / (4 + 5),
            "all_topics_macro_f1": (2 * 2 / (3 + 2) + 2 * 1 / (1 + 2) + 0) / 3,
            "all_topics_exact_match": 2 / 4,
            # of the places of the true topics: 1/1; 1/1 and 2/3; 1/2 and 2/3
            "label_ranking_average_precision": (1 + (1 + 2 / 3) / 2 + (1 / 2 + 2 / 3) / 2) / 3,
        }
    )


def test_texts_without_a_topic_have_an_exact_match_alone() -> None:
    found = np.array([[0, 0], [0, 1]], dtype=bool)
    scores = all_topics_scores(np.zeros((2, 2), dtype=bool), found, found.astype(np.float32))
    assert scores == {"all_topics_exact_match": 0.5}


def test_topics_are_those_that_the_service_finds(tmp_path: Path) -> None:
    classifier = load_classifier(save_synthetic_bundle(tmp_path / "1", 3))

    def find(*order: int) -> AllTopics:
        """Of a data set whose topics are in some order."""
        codes = [code_of(topic) for topic in order]
        pairs = [(text_of(0), (0,)), (text_of(2) + text_of(1), (2, 1))]
        articles = [
            Article("", text, tuple(map(code_of, topics)), keras_text="") for text, topics in pairs
        ]
        negatives = [Article("", text, (), "") for text in (NO_TOPIC_TEXT, "unknown words alone")]
        labels = np.array([order.index(0), order.index(2)])
        test = Split([[1], [1]], labels, codes, articles, negatives)
        dataset = Dataset("desk", "texts", "files", {}, classifier.topics, None, test, test)
        found = evaluate(classifier, dataset)["stream"].all_topics
        assert found is not None
        return found

    all_topics = find(0, 1, 2)
    expected = [[TRUE, FALSE, FALSE], [FALSE, TRUE, TRUE], [FALSE] * 3, [FALSE] * 3]
    assert all_topics.found.tolist() == expected
    other = find(2, 0, 1)
    assert other.found[1].tolist() == [TRUE, FALSE, TRUE]
    np.testing.assert_array_equal(other.probabilities[:, 0], all_topics.probabilities[:, 2])
