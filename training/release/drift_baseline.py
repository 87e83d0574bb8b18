"""The drift baseline of a bundle: its predictions for newswires that it was not trained on."""

from collections import Counter
from collections.abc import Sequence

from service.model import Abstention, DriftBaseline, NewsText, TopicClassifier
from service.model.drift import count_bins


def measure_drift_baseline(classifier: TopicClassifier, texts: Sequence[NewsText]) -> DriftBaseline:
    """Count the features of texts and of their predictions; at least one text."""
    predictions = classifier.classify(texts, top_k=1)
    topics = Counter(item.topics[0].topic.code for item in predictions)
    no_topic = [item.no_topic for item in predictions if item.no_topic is not None]
    reasons = Counter(item.abstained for item in predictions)
    ratios = [item.known_words_ratio for item in predictions]
    scores = [item.topics[0].score for item in predictions]
    return DriftBaseline(
        topics={topic.code: topics[topic.code] for topic in classifier.topics},
        abstentions={reason.value: reasons[reason] for reason in Abstention},
        text_words=count_bins("text_words", [classifier.encode(text).n_words for text in texts]),
        known_words_ratio=count_bins("known_words_ratio", ratios),
        top_score_ratio=count_bins("top_score_ratio", scores),
        no_topic_ratio=count_bins("no_topic_ratio", no_topic) if no_topic else None,
    )
