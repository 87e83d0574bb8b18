import numpy as np

from service.model import NewsText, TopicClassifier, load_classifier
from service.model.drift import check_drift_baseline
from tests.conftest import RELEASED
from training.data import Dataset
from training.data.views import STREAM, views_of
from training.evaluation.evaluate import drift_baseline, evaluate


def test_baseline_counts_predictions(classifier: TopicClassifier) -> None:
    texts = [NewsText("Crude oil prices rose as OPEC ministers met."), NewsText("zxcv qwer tyui")]
    baseline = drift_baseline(classifier, texts)
    codes = [topic.code for topic in classifier.topics]
    check_drift_baseline(baseline, codes, no_topic=True)
    assert baseline.n_texts == 2
    assert baseline.topics["crude"] >= 1
    assert baseline.abstentions["too_few_known_words"] == 1
    assert baseline.text_words["10"] == 2
    assert baseline.known_words_ratio["0.1"] == 1
    assert baseline.known_words_ratio["inf"] == 1


def test_no_topic_is_counted_if_predicted(
    no_topic_classifier: TopicClassifier,
) -> None:
    texts = [NewsText("oil"), NewsText("rose"), NewsText("rose rose rose")]
    baseline = drift_baseline(no_topic_classifier, texts)
    check_drift_baseline(
        baseline, [topic.code for topic in no_topic_classifier.topics], no_topic=True
    )
    assert baseline.abstentions["no_topic"] == 2
    assert baseline.no_topic_ratio is not None
    assert (baseline.no_topic_ratio["0.1"], baseline.no_topic_ratio["inf"]) == (1, 1)
    others = drift_baseline(load_classifier(RELEASED / "4"), texts)
    assert others.no_topic_ratio is None


def test_released_baseline_is_of_test_stream(
    classifier: TopicClassifier, corpus_dataset: Dataset
) -> None:
    texts = views_of(corpus_dataset.test, corpus_dataset.vocabulary)[STREAM].texts
    assert drift_baseline(classifier, texts) == classifier.drift_baseline
    predicted = evaluate(classifier, corpus_dataset)[STREAM].predicted
    counts = np.bincount(predicted, minlength=len(classifier.topics)).tolist()
    assert classifier.drift_baseline is not None
    assert list(classifier.drift_baseline.topics.values()) == counts
