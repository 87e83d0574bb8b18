"""Promotion of a candidate to the released bundles, after checks against the current one."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Final, NamedTuple

import numpy as np

from service.model import (
    BundleError,
    Manifest,
    NewsText,
    TopicClassifier,
    find_bundle,
    load_bundle,
    load_classifier,
    save_bundle,
)
from service.model.bundle_files import EVALUATION_FOLDER
from service.model.repository import next_bundle, numbered_bundles
from training.data import Dataset
from training.data.views import ARTICLE, STREAM, scores_by_view, views_of
from training.evaluation.evaluate import Evaluation, evaluate
from training.evaluation.metrics import mcnemar

MAX_BYTES: Final = 12_000_000
MAX_SLOWDOWN: Final = 1.5
MAX_CALIBRATION_ERROR: Final = 0.02
MIN_PRECISION: Final = 0.95  # of what is not abstained from, on the stream
MIN_TOPIC_F1: Final = 0.2
MAX_TOPIC_F1_DROP: Final = 0.15  # with 10 test newswires, 1 or 2 of them make this difference
MIN_TOPIC_NEWSWIRES: Final = 10  # topics with fewer test newswires are not checked
MAX_ACCURACY_DROP: Final = 0.005  # even if not significant, so that drops cannot add up
SIGNIFICANCE: Final = 0.05
REPEATABLE: Final = 1e-3  # tolerance of a score that is measured again
TIMED_TEXTS: Final = 200
ROUNDS: Final = 7


class Check(NamedTuple):
    """A condition of a promotion."""

    name: str
    expected: str
    actual: str
    passed: bool


def run_checks(candidate: Path, released: Path, dataset: Dataset) -> list[Check]:
    """Check a candidate against the released bundles of the same training split.

    Accuracy is compared with the highest number, and speed with the lowest, so that slowdowns
    cannot add up. A bundle that cannot be loaded has a single check, which failed.
    """
    try:
        ours = load_classifier(candidate)
    except BundleError as error:
        return [Check("parity", "goldens hold, hashes match", str(error), passed=False)]
    evaluations = evaluate(ours, dataset)
    evaluation, stream = evaluations[ARTICLE], evaluations[STREAM]
    reference = evaluate(load_classifier(released), dataset)[ARTICLE]
    texts = views_of(dataset.test, dataset.vocabulary)[ARTICLE].texts[:TIMED_TEXTS]
    numbered = numbered_bundles(released)
    speed_reference = load_classifier(numbered[min(numbered)])
    return [
        check_parity(evaluation, ours.manifest),
        check_size(candidate, ours.manifest),
        check_speed(ours, speed_reference, texts),
        *check_stream(stream),
        check_topics(evaluation, reference, dataset.topic_codes),
        *check_accuracy(evaluation, reference, find_bundle(released).name),
    ]


def promote(candidate: Path, released: Path) -> Path:
    """Copy a bundle to the next number, atomically, and return its folder."""
    bundle = load_bundle(candidate)
    target = next_bundle(released)
    report = {
        Path(name).name: (candidate / name).read_bytes()
        for name in bundle.manifest.files
        if name.startswith(f"{EVALUATION_FOLDER}/")
    }
    promoted = replace(bundle, manifest=replace(bundle.manifest, version=target.name))
    save_bundle(promoted, target, report)
    return target


def check_parity(evaluation: Evaluation, manifest: Manifest) -> Check:
    """Check the recorded accuracy; the goldens were verified when the bundle was loaded."""
    recorded = scores_by_view(manifest).get(ARTICLE, {}).get("accuracy")
    actual = evaluation.scores()["accuracy"]
    return Check(
        "parity",
        "goldens hold, accuracy is as recorded",
        f"goldens hold, {actual:.4f}, recorded {recorded or 0:.4f}",
        passed=recorded is not None and abs(recorded - actual) <= REPEATABLE,
    )


def check_size(candidate: Path, manifest: Manifest) -> Check:
    """Check the size of all files together."""
    n_bytes = sum((candidate / name).stat().st_size for name in manifest.files)
    return Check("size", f"at most {MAX_BYTES:,} B", f"{n_bytes:,} B", passed=n_bytes <= MAX_BYTES)


def check_speed(
    ours: TopicClassifier, speed_reference: TopicClassifier, texts: Sequence[NewsText]
) -> Check:
    """Compare the time from text to ranked topics, alternating with the reference bundle."""
    pair = (ours, speed_reference)
    seconds = np.array([[_seconds(item, texts) for item in pair] for _ in range(ROUNDS)])
    mine, other = seconds.min(axis=0) / len(texts)
    return Check(
        "speed",
        f"at most {MAX_SLOWDOWN} times that of bundle {speed_reference.manifest.version}",
        f"{mine / other:.2f} times ({mine * 1e6:.0f} µs a text beside {other * 1e6:.0f} µs)",
        passed=mine <= MAX_SLOWDOWN * other,
    )


def check_stream(stream: Evaluation) -> Iterator[Check]:
    """Check the calibration, and the precision where the bundle does not abstain."""
    scores = stream.scores()
    error, precision = scores["expected_calibration_error"], scores.get("answered_accuracy", 0.0)
    yield Check(
        "calibration",
        f"expected calibration error at most {MAX_CALIBRATION_ERROR}",
        f"{error:.4f}",
        passed=error <= MAX_CALIBRATION_ERROR,
    )
    yield Check(
        "precision",
        f"at least {MIN_PRECISION} of what is not abstained from is right, on the stream",
        f"{precision:.4f}",
        passed=precision >= MIN_PRECISION,
    )


def check_topics(evaluation: Evaluation, reference: Evaluation, codes: Sequence[str]) -> Check:
    """Check the F1 of each topic with enough test newswires."""
    low = [
        f"{ours['topic']} {ours['f1']:.2f} (released: {theirs['f1']:.2f})"
        for ours, theirs in zip(evaluation.by_topic(codes), reference.by_topic(codes), strict=True)
        if ours["test_newswires"] >= MIN_TOPIC_NEWSWIRES
        and ours["f1"] < max(MIN_TOPIC_F1, theirs["f1"] - MAX_TOPIC_F1_DROP)
    ]
    return Check(
        "topics",
        f"F1 of each with {MIN_TOPIC_NEWSWIRES} test newswires at least {MIN_TOPIC_F1}, "
        f"and that of the released bundle less {MAX_TOPIC_F1_DROP}",
        f"below: {', '.join(low)}" if low else "all of them",
        passed=not low,
    )


def check_accuracy(evaluation: Evaluation, reference: Evaluation, name: str) -> Iterator[Check]:
    """Check that accuracy is not lower than the released bundle's, by value and significance."""
    ours, theirs = evaluation.right.mean(), reference.right.mean()
    yield Check(
        "accuracy",
        f"at least that of bundle {name}, {theirs:.4f}, less {MAX_ACCURACY_DROP}",
        f"{ours:.4f}",
        passed=bool(ours >= theirs - MAX_ACCURACY_DROP),
    )
    p_value = mcnemar(evaluation.right, reference.right)
    yield Check(
        "paired test",
        f"not worse than bundle {name} (McNemar's p below {SIGNIFICANCE} if lower)",
        f"{ours - theirs:+.4f}, p = {p_value:.2g}",
        passed=bool(ours >= theirs or p_value >= SIGNIFICANCE),
    )


def _seconds(classifier: TopicClassifier, texts: Sequence[NewsText]) -> float:
    began = perf_counter()
    for text in texts:
        classifier.classify([text])
    return perf_counter() - began
