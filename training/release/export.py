"""Export of a trained model to a bundle, with a check that both predict the same."""

import os
import platform
import shlex
import time
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
from training.data.views import views_of
from training.recipes.trained_model import ExportError, TrainedModel
from training.release.goldens import make_goldens

LIBRARIES: Final = ("keras", "numpy", "onnx", "onnxruntime", "tensorflow", "tf2onnx")


def export(
    model: TrainedModel, dataset: Dataset, *, folder: Path, command: str, store_texts: bool = True
) -> Bundle:
    """Make the bundle of a model; raise `ExportError` if predictions of a test text differ.

    ``store_texts`` says whether test texts may be golden texts. The environment variable
    ``SOURCE_DATE_EPOCH``, in seconds, sets the time of creation, so that a run can be repeated to
    the byte.
    """
    seconds = os.environ.get("SOURCE_DATE_EPOCH", "")
    created = int(seconds) if seconds.isdecimal() else time.time()
    graph = onnx.load_from_string(model.exported).graph
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        name=dataset.name,
        version=folder.resolve().name,
        created=datetime.fromtimestamp(created, UTC).isoformat(timespec="seconds"),
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
        tensors={item.name: item.name for item in (*graph.input, *graph.output)},
        scores={},
        libraries={name: version(name) for name in LIBRARIES}
        | {"python": platform.python_version()},
        min_known_words_ratio=model.thresholds.known_words_ratio,
        min_confidence=model.thresholds.confidence,
        no_topic=model.no_topic,
        topic_min_confidence=dict(model.thresholds.topic_confidence),
        all_topics_thresholds=dict(model.all_topics_thresholds),
        all_topics_precision=model.all_topics_precision,
    )
    bundle = Bundle(
        manifest=manifest,
        network=model.exported,
        vocabulary=model.encoder.vocabulary,
        topics=dataset.topics,
        goldens=make_goldens(model, dataset, store_texts=store_texts),
    )
    try:
        classifier = build_classifier(bundle)
    except BundleError as error:
        raise ExportError(f"verification of the exported network failed: {error}") from error
    for view in views_of(dataset.test, dataset.vocabulary).values():
        token_ids = [model.encoder.token_ids(item.text, item.title) for item in view.texts]
        encoded = [classifier.encode(text) for text in view.texts]
        for output, expected in model.predict(token_ids).items():
            check_parity(expected=expected, actual=classifier.infer(encoded, output))
    return bundle


def check_parity(*, expected: NDArray[np.float32], actual: NDArray[np.float32]) -> None:
    """Raise `ExportError` if a top topic differs, or a probability by more than ``TOLERANCE``.

    Topics that are as probable within the tolerance may be exchanged.
    """
    difference = float(np.abs(expected - actual).max())
    chosen = np.take_along_axis(expected, actual.argmax(axis=1)[:, np.newaxis], axis=1)[:, 0]
    n_other = int((expected.max(axis=1) - chosen > TOLERANCE).sum())
    if not difference <= TOLERANCE or n_other:  # False for NaN
        raise ExportError(
            f"expected Keras' topic for each of {len(expected)} texts, {n_other} differ; "
            f"expected its probabilities within {TOLERANCE}, the largest difference is "
            f"{difference:.2g}"
        )


def repeatable_command(options: Mapping[str, object], split_seed: int | None, folder: Path) -> str:
    """Return the command line that repeats a run, with no path but the bundle's own name."""
    words = []
    for name, value in options.items():  # a list is a repeated option, True a flag, None none
        for item in value if isinstance(value, list) else [value]:
            if item is True:
                words.append(f"--{name}")
            elif str(item).startswith("-"):  # it would be taken for an option
                words.append(f"--{name}={item}")
            elif item is not None:
                words += [f"--{name}", str(item)]
    if split_seed is None:
        words.append("--chronological")
    elif split_seed != SPLIT_SEED:
        words += ["--split-seed", str(split_seed)]
    out = ["--out", folder.resolve().name]
    return shlex.join(["python", "-m", "training", "train", *words, *out])
