"""Labelled texts to measure bundles on.

A file of JSON lines: ``text``, ``title`` (or null), ``accept`` (codes of the topics that are right;
empty if no topic fits), and optionally ``set`` (a name, to measure apart) and ``may_abstain``
(whether abstaining is right too).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from service.model import NewsText, TopicClassifier
from training.errors import DataError


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text and the topics that are right for it."""

    text: NewsText
    accept: frozenset[str]
    set: str
    may_abstain: bool


def read_labelled_texts(path: Path) -> list[LabelledText]:
    """Read a file of labelled texts.

    Raises
    ------
    DataError
        If the file cannot be read, or a line is invalid.
    """
    texts = []
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            text = NewsText(row["text"], row.get("title"))
            accept = frozenset(row["accept"])
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
    texts = [item for path in paths for item in read_labelled_texts(path)]
    by_set = {
        name: [item for item in texts if item.set == name]
        for name in dict.fromkeys(item.set for item in texts)
    }
    return {
        f"{bundle}, {name}": measure_labelled_texts(classifier, items)
        for name, items in by_set.items()
        for bundle, classifier in classifiers.items()
    }


def measure_labelled_texts(
    classifier: TopicClassifier, texts: Sequence[LabelledText]
) -> dict[str, float]:
    """Measure a bundle on labelled texts.

    Returns
    -------
    dict of str to float
        ``texts``: how many. ``first_right``: share of topical texts whose top topic is right.
        ``abstained``: share of all texts. ``topical_answered``: share of topical texts that must
        not be abstained from. ``negatives_answered``: share of texts without a topic.
        ``answered_right``: share of right topics where the bundle did not abstain. Shares of no
        text are left out.
    """
    predictions = classifier.classify([item.text for item in texts], top_k=1)
    right = np.array(
        [
            prediction.topics[0].topic.code in item.accept
            for prediction, item in zip(predictions, texts, strict=True)
        ]
    )
    answered = np.array([prediction.abstained is None for prediction in predictions])
    topical = np.array([bool(item.accept) for item in texts])
    clear = topical & ~np.array([item.may_abstain for item in texts])
    shares = {
        "first_right": right[topical],
        "abstained": ~answered,
        "topical_answered": answered[clear],
        "negatives_answered": answered[~topical],
        "answered_right": right[answered],
    }
    return {"texts": len(texts)} | {
        name: float(values.mean()) for name, values in shares.items() if len(values)
    }
