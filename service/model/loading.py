"""From a folder to a verified classifier: read, build, verify."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.model.bundle import Bundle, load_bundle
from service.model.classifier import TopicClassifier
from service.model.errors import BundleError, InferenceError
from service.model.manifest import Golden
from service.model.outputs import PROBABILITIES, TOPIC_PROBABILITIES
from service.model.ranking import rank_topics
from service.model.repository import default_model_dir, find_bundle
from service.model.token_counts import START_ID, EncodedText

TOLERANCE: Final = 1e-5
"""Allowed difference from Keras' probabilities: the order of summation changes the last bits."""


def load_classifier(
    folder: str | Path | None = None, *, fingerprint: str | None = None
) -> TopicClassifier:
    """Load the bundle at ``folder``, or the highest-numbered one in it, and verify it.

    A folder of None is `default_model_dir`; a fingerprint of None accepts any bundle. Raises
    BundleError if there is none, or it is incomplete, altered or fails its golden cases.
    """
    path = find_bundle(default_model_dir() if folder is None else Path(folder))
    bundle = load_bundle(path)
    if fingerprint not in (None, bundle.fingerprint):
        raise BundleError(f"{path}: expected fingerprint {fingerprint}, got {bundle.fingerprint}")
    if path.name.isdecimal() and path.name != bundle.manifest.version:
        raise BundleError(
            f"{path}: expected version {path.name!r} in the manifest, "
            f"got {bundle.manifest.version!r}"
        )
    try:
        return build_classifier(bundle)
    except BundleError as error:
        raise BundleError(f"{path}: {error}") from error


def build_classifier(bundle: Bundle) -> TopicClassifier:
    """Build the classifier of a bundle, and check its golden cases one by one and as a batch.

    Raises BundleError if the network fails for a token id, or a golden case has other token ids or
    probabilities.
    """
    classifier = TopicClassifier(bundle)
    highest = max(classifier.encoder.vocabulary.values(), default=START_ID)
    try:
        _check_outputs(classifier, highest)
        _replay(classifier, bundle.goldens)
    except BundleError:
        raise
    except Exception as error:  # onnxruntime's errors have no common base but Exception
        raise BundleError(
            f"model.onnx: expected a network for token ids up to {highest}, it fails there"
        ) from error
    return classifier


def _check_outputs(classifier: TopicClassifier, highest: int) -> None:
    """Check the output for the lowest and the highest token id, and for a token with count 0."""
    token_ids = np.array([[START_ID, highest]])
    probabilities = classifier.session.run(token_ids, np.array([[1, 1]], dtype=np.float32))
    if probabilities.shape != (1, classifier.n_outputs):
        and_none = " and none of them" if classifier.manifest.no_topic else ""
        raise BundleError(
            f"model.onnx: expected {len(classifier.topics)} topics{and_none} for a text, "
            f"got shape {probabilities.shape}"
        )
    try:
        rank_topics(classifier.topics, probabilities, top_k=[1])
    except InferenceError as error:
        raise BundleError(f"model.onnx: {error}") from error
    counts = np.array([[1, 0]], dtype=np.float32)
    if TOPIC_PROBABILITIES in classifier.outputs:
        alone = classifier.session.run(token_ids, counts, TOPIC_PROBABILITIES)
        if alone.shape != (1, len(classifier.topics)) or not ((alone >= 0) & (alone <= 1)).all():
            raise BundleError(
                f"model.onnx: {TOPIC_PROBABILITIES}: expected {len(classifier.topics)} "
                f"probabilities for a text, got shape {alone.shape}, {alone.min()} to {alone.max()}"
            )
    for output in classifier.outputs:
        with_none = classifier.session.run(token_ids, counts, output)
        without = classifier.session.run(token_ids[:, :1], counts[:, :1], output)
        if not np.abs(with_none - without).max() <= TOLERANCE:  # explanations and padding need it
            raise BundleError("model.onnx: expected no effect of a token with count 0")


def _replay(classifier: TopicClassifier, goldens: Sequence[Golden]) -> None:
    for number, golden in enumerate(goldens):
        if classifier.encoder.token_ids(golden.text, golden.title) != golden.token_ids:
            raise BundleError(f"goldens.json, entry {number}: the text has other token ids")
    encoded = [classifier.encode(text) for text in classifier.golden_texts]
    for output in classifier.outputs:
        expected = np.array([getattr(golden, output) for golden in goldens], dtype=np.float32)
        _replay_output(classifier, encoded, expected, output)


def _replay_output(
    classifier: TopicClassifier,
    encoded: Sequence[EncodedText],
    expected: NDArray[np.float32],
    output: str,
) -> None:
    n_topics = len(classifier.topics)
    for number, text in enumerate(encoded):
        (actual,) = classifier.infer([text], output)
        difference = float(np.abs(actual - expected[number]).max())
        same_topic = (
            output != PROBABILITIES
            or actual[:n_topics].argmax() == expected[number, :n_topics].argmax()
        )
        if not difference <= TOLERANCE or not same_topic:
            raise BundleError(
                f"goldens.json, entry {number}: expected Keras' {output} within {TOLERANCE}, the "
                f"largest difference is {difference:.2g}"
            )
    if not np.abs(classifier.infer(encoded, output) - expected).max() <= TOLERANCE:
        raise BundleError("model.onnx: expected the same predictions for texts together as alone")
