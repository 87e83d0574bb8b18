"""The manifest and the topics of a model, as a table or as cells."""

from collections.abc import Iterator
from typing import Final

from rich.table import Table

from service.model import TopicClassifier

TOPIC_HEADER: Final = ("id", "topic", "name", "group", "training_newswires", "description")


def model_cells(classifier: TopicClassifier) -> Iterator[tuple[str, str]]:
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


def model_table(classifier: TopicClassifier) -> Table:
    """Return `model_cells` as a table."""
    table = Table(show_header=False, box=None)
    for name, value in model_cells(classifier):
        table.add_row(name.replace(".", ": ").replace("_", " "), value)
    return table


def topic_cells(classifier: TopicClassifier) -> Iterator[tuple[str, ...]]:
    """Yield the names of the columns, then a row for each topic."""
    yield TOPIC_HEADER
    for topic in classifier.topics:
        count = str(topic.training_newswires)
        yield (str(topic.id), topic.code, topic.name, topic.group, count, topic.description)


def topic_table(classifier: TopicClassifier) -> Table:
    """Return `topic_cells` as a table."""
    header, *rows = topic_cells(classifier)
    table = Table(*(name.replace("_", " ") for name in header), box=None)
    for row in rows:
        table.add_row(*row)
    return table
