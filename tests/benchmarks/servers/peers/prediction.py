"""What the peers share: the classifier they all load, and the form of their answers."""

import os
from pathlib import Path
from typing import Any

from service.model import Classification, TopicClassifier, load_classifier


def served_classifier() -> TopicClassifier:
    """Load the bundle that the service would serve.

    Each peer gets our own classifier, the fastest there is, so that only the serving differs.
    """
    return load_classifier(Path(os.environ.get("NEWSWIRE_MODEL_DIR", "models/reuters")))


def classify(classifier: TopicClassifier, text: str) -> dict[str, Any]:
    """Answer one text with about what the service answers."""
    (answer,) = classifier.classify([text], top_k=3)
    return to_object(answer)


def to_object(answer: Classification) -> dict[str, Any]:
    """Give the form of an answer that goes over the wire."""
    return {
        "topic": answer.topics[0].topic.code,
        "topics": [
            {
                "topic": item.topic.code,
                "name": item.topic.name,
                "id": item.topic.id,
                "score": item.score,
            }
            for item in answer.topics
        ],
        "no_topic": answer.no_topic,
        "known_words": answer.known_words_ratio,
        "abstained": answer.abstained,
    }
