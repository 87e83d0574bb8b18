"""Self-test of a classifier on the golden cases of its bundle."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from service.model.classifier import TopicClassifier
from service.model.encoder import START_ID, encode_token_ids
from service.model.errors import BundleError, InferenceError
from service.model.manifest import Golden
from service.model.padding import pad
from service.model.ranking import rank_topics

TOLERANCE: Final = 1e-5
"""Allowed difference from Keras' probabilities: the order of summation changes the last bits."""


def verify(classifier: TopicClassifier, goldens: Sequence[Golden]) -> None:
    """Check the network's outputs, and the golden cases one by one and as a batch.

    Raises
    ------
    BundleError
        If a token id is out of the network's range, or a golden case has other token ids or
        probabilities.
    """
    highest = max(classifier.encoder.vocabulary.values(), default=START_ID)
    try:
        _check_outputs(classifier, highest)
        _check_zero_counts(classifier, highest)
        for number, golden in enumerate(goldens):
            _replay(classifier, golden, number)
        _check_batch(classifier, goldens)
    except BundleError:
        raise
    except Exception as error:  # onnxruntime's errors have no common base but Exception
        raise BundleError(
            f"model.onnx: expected a network for token ids up to {highest}, it fails there"
        ) from error


def _check_outputs(classifier: TopicClassifier, highest: int) -> None:
    """Check the shape of the output for the lowest and the highest token id."""
    token_ids, counts = pad([encode_token_ids([START_ID, highest], n_words=1)])
    probabilities = classifier.session.run(token_ids, counts)
    if probabilities.shape != (1, classifier.n_outputs):
        and_none = " and none of them" if classifier.manifest.no_topic else ""
        raise BundleError(
            f"model.onnx: expected {len(classifier.topics)} topics{and_none} for a text, "
            f"got shape {probabilities.shape}"
        )
    try:
        rank_topics(classifier.topics, probabilities[0], top_k=1)
    except InferenceError as error:
        raise BundleError(f"model.onnx: {error}") from error


def _check_batch(classifier: TopicClassifier, goldens: Sequence[Golden]) -> None:
    """Check that a batch has the same predictions as single texts."""
    encoded = [classifier.encoder.encode(golden.text, golden.title) for golden in goldens]
    together = classifier.infer(encoded)
    expected = np.array([golden.probabilities for golden in goldens], dtype=np.float32)
    if not np.abs(together - expected).max() <= TOLERANCE:
        raise BundleError("model.onnx: expected the same predictions for texts together as alone")


def _check_zero_counts(classifier: TopicClassifier, token_id: int) -> None:
    """Check that a token with count 0 has no effect: explanations rely on it."""
    token_ids = np.array([[START_ID, token_id]])
    counts = np.array([[1, 0]], dtype=np.float32)
    with_none, without = (
        classifier.session.run(token_ids, counts),
        classifier.session.run(token_ids[:, :1], counts[:, :1]),
    )
    if not np.abs(with_none - without).max() <= TOLERANCE:
        raise BundleError("model.onnx: expected no effect of a token with count 0")


def _replay(classifier: TopicClassifier, golden: Golden, number: int) -> None:
    if classifier.encoder.token_ids(golden.text, golden.title) != golden.token_ids:
        raise BundleError(f"goldens.json, entry {number}: the text has other token ids")
    (actual,) = classifier.infer([classifier.encoder.encode(golden.text, golden.title)])
    expected = np.array(golden.probabilities, dtype=np.float32)
    difference = float(np.abs(actual - expected).max())
    n_topics = len(classifier.topics)
    same_topic = actual[:n_topics].argmax() == expected[:n_topics].argmax()
    if not difference <= TOLERANCE or not same_topic:
        raise BundleError(
            f"goldens.json, entry {number}: expected Keras' probabilities within {TOLERANCE}, "
            f"the largest difference is {difference:.2g}"
        )
