"""Export of a trained model to a bundle, with a check that both predict the same."""

import platform
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray

from service.model import Bundle, BundleError, Manifest, build_classifier
from service.model.loading import TOLERANCE
from service.model.manifest import FORMAT_VERSION
from training.data import SPLIT_SEED, Dataset
from training.data.views import views_of_test
from training.errors import ExportError
from training.evaluation.evaluate import predict_texts
from training.recipes import TrainedModel
from training.recipes.trained_model import SparseNetwork
from training.release.goldens import make_goldens

LIBRARIES: Final = ("keras", "numpy", "onnx", "onnxruntime", "tensorflow", "tf2onnx")
DIMENSIONS: Final = {
    "token_ids": ("batch_or_1", "length"),
    "token_counts": ("batch", "length"),
    "probabilities": ("batch", "n_outputs"),
}
"""Texts with the same token ids may share one row of them."""


def export(model: TrainedModel, dataset: Dataset, *, folder: Path, command: str) -> Bundle:
    """Make the bundle of a trained model, in memory, and check its predictions.

    Parameters
    ----------
    dataset : Dataset
        On every view of its test split the two must agree.
    folder : Path
        Of the bundle; its name is the bundle's version.
    command : str
        The command that repeats the run.

    Raises
    ------
    ExportError
        If the exported network is invalid, or its predictions differ from the trained model's.
    """
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        name=dataset.name,
        version=folder.resolve().name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        recipe={"name": model.recipe, "settings": dict(model.settings)},
        data={
            "description": dataset.description,
            "source": dataset.source,
            "split_seed": dataset.split_seed,
            "fingerprint": dataset.fingerprint(),
            "train_newswires": len(dataset.train.labels),
            "test_newswires": len(dataset.test.labels),
            "train_negatives": len(dataset.train.negatives),
            "test_negatives": len(dataset.test.negatives),
        },
        tokenizer=model.encoder.name,
        tensors={name: name for name in DIMENSIONS},
        scores={},
        libraries={name: version(name) for name in LIBRARIES}
        | {"python": platform.python_version()},
        min_known_words_ratio=model.thresholds.known_words_ratio,
        min_confidence=model.thresholds.confidence,
        no_topic=model.no_topic,
        topic_min_confidence=dict(model.thresholds.topic_confidence),
    )
    bundle = Bundle(
        manifest=manifest,
        network=to_onnx(model.sparse),
        vocabulary=model.encoder.vocabulary,
        topics=dataset.topics,
        goldens=make_goldens(model),
    )
    try:
        classifier = build_classifier(bundle)
    except BundleError as error:
        raise ExportError(f"verification of the exported network failed: {error}") from error
    for view in views_of_test(dataset).values():
        token_ids = [model.encoder.token_ids(item.text, item.title) for item in view.texts]
        expected = model.predict(token_ids)
        check_parity(expected=expected, actual=predict_texts(classifier, view.texts))
    return bundle


def to_onnx(sparse: SparseNetwork) -> bytes:
    """Return a network in ONNX, checked."""
    model = sparse.to_onnx()
    for tensor in (*model.graph.input, *model.graph.output):
        axes = tensor.type.tensor_type.shape.dim
        for axis, name in zip(axes, DIMENSIONS[tensor.name], strict=True):
            if not axis.dim_value:
                axis.dim_param = name
    try:
        onnx.checker.check_model(model, full_check=True)
    except onnx.checker.ValidationError as error:
        raise ExportError(f"the exported network is not valid ONNX: {error}") from error
    content: bytes = model.SerializeToString()
    return content


def check_parity(*, expected: NDArray[np.float32], actual: NDArray[np.float32]) -> None:
    """Compare the probabilities of the trained and the exported network.

    Parameters
    ----------
    expected, actual : float32 arrays of shape (n_texts, n_outputs)

    Raises
    ------
    ExportError
        If for any text the top topic differs, or a probability by more than ``TOLERANCE``.
    """
    difference = float(np.abs(expected - actual).max())
    n_other = int((expected.argmax(axis=1) != actual.argmax(axis=1)).sum())
    if not difference <= TOLERANCE or n_other:  # False for NaN
        raise ExportError(
            f"expected Keras' topic for each of {len(expected)} newswires, {n_other} differ; "
            f"expected its probabilities within {TOLERANCE}, the largest difference is "
            f"{difference:.2g}"
        )


def repeatable_command(options: Mapping[str, object], split_seed: int | None, folder: Path) -> str:
    """Return the command line that repeats a run, with no path but the bundle's own name."""
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    if split_seed is None:
        words.append("--chronological")
    elif split_seed != SPLIT_SEED:
        words += ["--split-seed", str(split_seed)]
    out = ["--out", folder.resolve().name]
    return shlex.join(["python", "-m", "training", "train", *words, *out])
