"""Labelled texts to measure bundles on.

A file of JSON lines: ``text``, ``title`` (or null), ``accept`` (codes or names of the correct
topics; empty if no topic fits), and optionally ``set`` (a name, to measure apart) and
``may_abstain`` (whether the model may also abstain).
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from service.labels import codes_by_label, to_labels
from service.model import NewsText, TopicClassifier
from service.rows import find_repeated_file
from training.data.dataset import DataError
from training.data.values import CONVERSIONS


class LabelledText(NamedTuple):
    """A text and its correct topics."""

    text: NewsText
    accept: frozenset[str]
    set: str
    may_abstain: bool


def read_labelled_texts(path: Path) -> list[LabelledText]:
    """Read a file; raise `DataError` if it cannot be read, or a line is invalid."""
    texts = []
    try:
        lines = path.read_bytes().splitlines()  # `str.splitlines` would split at U+2028 too
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            accept = frozenset(to_labels(row["accept"], "accept"))
            title = CONVERSIONS["title"](row.get("title"), "title")
            text = NewsText(CONVERSIONS["text"](row["text"], "text"), title)
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(
                f"{path}, line {number}: expected an object with 'text' and 'accept', got {error!r}"
            ) from error
        name, may_abstain = row.get("set", path.stem), row.get("may_abstain", False)
        texts.append(LabelledText(text, accept, name, may_abstain))
    if not texts:
        raise DataError(f"{path}: expected JSON lines, the file is empty")
    return texts


def measure_by_set(
    classifiers: Mapping[str, TopicClassifier], paths: Sequence[Path]
) -> dict[str, dict[str, float]]:
    """Measure bundles on each set of some files; keys are "bundle, set"."""
    if repeated := find_repeated_file(paths):
        raise DataError(f"--texts: expected each file once, got {repeated} again")
    texts = [item for path in paths for item in read_labelled_texts(path)]
    return {
        f"{bundle}, {name}": measure_labelled_texts(
            classifier, [item for item in texts if item.set == name]
        )
        for name in dict.fromkeys(item.set for item in texts)
        for bundle, classifier in classifiers.items()
    }


def measure_labelled_texts(
    classifier: TopicClassifier, texts: Sequence[LabelledText]
) -> dict[str, float]:
    """Return the number of texts, and shares of correct predictions and of abstentions."""
    predictions = classifier.classify([item.text for item in texts], top_k=1)
    codes = codes_by_label(classifier.topics)
    accepted = [{codes.get(label, label) for label in item.accept} for item in texts]
    pairs = zip(predictions, accepted, strict=True)
    right = np.array([item.topics[0].topic.code in accept for item, accept in pairs])
    answered = np.array([prediction.abstained is None for prediction in predictions])
    topical = np.array([bool(item.accept) for item in texts])
    clear = topical & ~np.array([item.may_abstain for item in texts])
    shares = {
        "first_right": right[topical],
        "abstained": ~answered,
        "topical_answered": answered[clear],  # on texts where the model may not abstain
        "negatives_answered": answered[~topical],
        "answered_right": right[answered],
    }
    return {"texts": len(texts)} | {
        name: float(values.mean()) for name, values in shares.items() if len(values)
    }
