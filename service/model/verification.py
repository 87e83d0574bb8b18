"""Verifies that a classifier predicts what the trained network predicted for the golden cases."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from service.model.classifier import TopicClassifier
from service.model.encoder import START_ID, count_tokens
from service.model.errors import BundleError, InferenceError
from service.model.manifest import Golden
from service.model.padding import pad

TOLERANCE: Final = 1e-5
"""How far a probability may lie from Keras'. Sums in another order differ in their last bits."""


def verify(classifier: TopicClassifier, goldens: Sequence[Golden]) -> None:
    """Check the network's outputs, and replay the golden cases alone and as one batch.

    Raises
    ------
    BundleError
        If a token id cannot be looked up, or a golden case gives other token ids or probabilities.
    """
    highest = max(classifier.encoder.vocabulary.values(), default=START_ID)
    try:
        _check_answer(classifier, highest)
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


def _check_answer(classifier: TopicClassifier, highest: int) -> None:
    """Raise BundleError unless the network gives a probability for each output."""
    token_ids, counts = pad([count_tokens([START_ID, highest], n_words=1)])
    probabilities = classifier.session.run(token_ids, counts)
    if probabilities.shape != (1, classifier.n_outputs):
        and_none = " and none of them" if classifier.manifest.no_topic else ""
        raise BundleError(
            f"model.onnx: expected {len(classifier.topics)} topics{and_none} for a text, "
            f"the network gives shape {probabilities.shape}"
        )
    try:
        classifier.rank(probabilities[0], top_k=1)
    except InferenceError as error:
        raise BundleError(f"model.onnx: {error}") from error


def _check_batch(classifier: TopicClassifier, goldens: Sequence[Golden]) -> None:
    """Refuse a network that answers texts otherwise if they come together."""
    encoded = [classifier.encoder.encode(golden.text, golden.title) for golden in goldens]
    together = classifier.infer(encoded)
    expected = np.array([golden.probabilities for golden in goldens], dtype=np.float32)
    if not np.abs(together - expected).max() <= TOLERANCE:
        raise BundleError("model.onnx: expected the same answers for texts together as alone")


def _check_zero_counts(classifier: TopicClassifier, token_id: int) -> None:
    """Refuse a network to which a token counts that occurs 0 times: explanations rely on it."""
    token_ids = np.array([[START_ID, token_id]])
    counts = np.array([[1, 0]], dtype=np.float32)
    with_none, without = (
        classifier.session.run(token_ids, counts),
        classifier.session.run(token_ids[:, :1], counts[:, :1]),
    )
    if not np.abs(with_none - without).max() <= TOLERANCE:
        raise BundleError("model.onnx: expected a token that occurs 0 times to count for nothing")


def _replay(classifier: TopicClassifier, golden: Golden, number: int) -> None:
    if classifier.encoder.token_ids(golden.text, golden.title) != golden.token_ids:
        raise BundleError(f"goldens.json, entry {number}: the text gives other token ids")
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
