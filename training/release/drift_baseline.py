"""The baseline that a bundle ships: what it answered to newswires that it had not seen."""

from collections import Counter
from collections.abc import Sequence

from service.model import Abstention, DriftBaseline, NewsText, TopicClassifier
from service.model.drift import count_bins


def measure_drift_baseline(classifier: TopicClassifier, texts: Sequence[NewsText]) -> DriftBaseline:
    """Count what texts are like, and what is answered to them.

    Parameters
    ----------
    classifier : TopicClassifier
    texts : sequence of NewsText, of length n_texts
        As a client would send them; at least one.
    """
    answers = classifier.classify(texts, top_k=1)
    topics = Counter(answer.topics[0].topic.code for answer in answers)
    no_topic = [answer.no_topic for answer in answers if answer.no_topic is not None]
    reasons = Counter(answer.abstained for answer in answers)
    return DriftBaseline(
        topics={topic.code: topics[topic.code] for topic in classifier.topics},
        abstentions={reason.value: reasons[reason] for reason in Abstention},
        text_words=count_bins("text_words", [classifier.encode(text).n_words for text in texts]),
        known_words_ratio=count_bins(
            "known_words_ratio", [answer.known_words_ratio for answer in answers]
        ),
        top_score_ratio=count_bins(
            "top_score_ratio", [answer.topics[0].score for answer in answers]
        ),
        no_topic_ratio=count_bins("no_topic_ratio", no_topic) if no_topic else None,
    )
