"""The classifier and the response format that all peers share."""

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
    """Return a classification as a JSON object."""
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
