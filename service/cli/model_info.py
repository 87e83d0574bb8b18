"""The manifest and the topics of a model, as rows of cells."""

from collections.abc import Iterator
from typing import Final

from service.model import TopicClassifier

TOPIC_HEADER: Final = ("id", "topic", "name", "group", "training_newswires", "description")


def model_rows(classifier: TopicClassifier) -> Iterator[tuple[str, str]]:
    """Yield name and value of what the manifest says, thresholds and scores included."""
    manifest = classifier.manifest
    yield "name", manifest.name
    yield "version", manifest.version
    yield "created", manifest.created
    yield "command", manifest.command
    yield "topics", str(len(classifier.topics))
    yield "min_confidence", f"{manifest.min_confidence:.3f}"
    for code, threshold in manifest.topic_min_confidence.items():
        yield f"min_confidence.{code}", f"{threshold:.3f}"
    yield "min_known_words_ratio", f"{manifest.min_known_words_ratio:.3f}"
    yield "no_topic", "yes" if manifest.no_topic else "no"
    for view, scores in manifest.scores.items():
        for name, score in scores.items():
            yield f"{view}.{name}", f"{score:.3f}"


def topic_rows(classifier: TopicClassifier) -> Iterator[tuple[str, ...]]:
    """Yield the cells that ``TOPIC_HEADER`` names, for each topic."""
    for topic in classifier.topics:
        count = str(topic.training_newswires)
        yield (str(topic.id), topic.code, topic.name, topic.group, count, topic.description)
