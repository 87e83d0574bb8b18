"""Checks of a candidate before it is released."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Final, NamedTuple

import numpy as np
from scipy.stats import binomtest

from service.model import Manifest, NewsText, TopicClassifier
from training.data.views import ARTICLE, scores_by_view
from training.evaluation.evaluate import Evaluation
from training.evaluation.metrics import calibration_error_by_chance, mcnemar

MAX_BYTES: Final = 12_000_000
MAX_BYTES_OF_A_TOPIC: Final = 40_000  # with 300 topics and more
MAX_SLOWDOWN: Final = 1.5
MAX_SECONDS: Final = 0.01  # per text, for a first bundle
MAX_CALIBRATION_ERROR: Final = 0.02
MAX_TEXTS_WRONG: Final = 2  # errors of a sure model among few texts: labels are not exact
MIN_PRECISION: Final = 0.95  # of the predictions without an abstention, on the stream
FEW_TEXTS: Final = 1_000  # with fewer predictions the precision may be lower by chance
MIN_TOPIC_F1: Final = 0.2
MAX_TOPIC_F1_DROP: Final = 0.15  # with 10 test texts, 1 or 2 of them make this difference
MIN_TOPIC_NEWSWIRES: Final = 10  # topics with fewer test texts are not checked
MAX_ACCURACY_DROP: Final = 0.005  # even if not significant, so that drops cannot add up
MAX_TEXTS_DROP: Final = 3  # texts, if they are a larger share
SIGNIFICANCE: Final = 0.05
REPEATABLE: Final = 1e-3  # tolerance of a score that is measured again
ROUNDS: Final = 7


class Check(NamedTuple):
    """A condition of a promotion."""

    name: str
    expected: str
    actual: str
    passed: bool


def check_parity(evaluation: Evaluation, manifest: Manifest, view: str = ARTICLE) -> Check:
    """Check the recorded accuracy; the goldens were verified when the bundle was loaded."""
    recorded = scores_by_view(manifest).get(view, {}).get("accuracy")
    actual = evaluation.scores()["accuracy"]
    return Check(
        "parity",
        "goldens hold, accuracy is as recorded",
        f"goldens hold, {actual:.4f}, recorded {recorded or 0:.4f}",
        passed=recorded is not None and abs(recorded - actual) <= REPEATABLE,
    )


def check_size(candidate: Path, manifest: Manifest, n_topics: int) -> Check:
    """Check the size of all files together."""
    most = max(MAX_BYTES, MAX_BYTES_OF_A_TOPIC * n_topics)
    n_bytes = sum((candidate / name).stat().st_size for name in manifest.files)
    return Check("size", f"at most {most:,} B", f"{n_bytes:,} B", passed=n_bytes <= most)


def check_speed(
    ours: TopicClassifier, speed_reference: TopicClassifier | None, texts: Sequence[NewsText]
) -> Check:
    """Compare the time from text to ranked topics, alternating with the reference bundle."""
    if speed_reference is None:
        mine = min(_seconds(ours, texts) for _ in range(ROUNDS)) / len(texts)
        return Check(
            "speed",
            f"at most {MAX_SECONDS * 1e6:,.0f} µs a text",
            f"{mine * 1e6:,.0f} µs",
            passed=mine <= MAX_SECONDS,
        )
    pair = (ours, speed_reference)
    seconds = np.array([[_seconds(item, texts) for item in pair] for _ in range(ROUNDS)])
    mine, other = seconds.min(axis=0) / len(texts)
    return Check(
        "speed",
        f"at most {MAX_SLOWDOWN} times that of bundle {speed_reference.manifest.version}",
        f"{mine / other:.2f} times ({mine * 1e6:.0f} µs a text beside {other * 1e6:.0f} µs)",
        passed=bool(mine <= MAX_SLOWDOWN * other),
    )


def check_stream(stream: Evaluation) -> Iterator[Check]:
    """Check the calibration, and the precision of the predictions without an abstention.

    With few texts both bars allow for chance: an error that a calibrated model exceeds in 5 % of
    samples of this size, and a precision that is not significantly lower.
    """
    error = stream.scores()["expected_calibration_error"]
    by_chance = calibration_error_by_chance(stream.probabilities)
    most = max(MAX_CALIBRATION_ERROR, by_chance, MAX_TEXTS_WRONG / len(stream.labels))
    yield Check(
        "calibration",
        f"expected calibration error at most {most:.4g}",
        f"{error:.4f}",
        passed=error <= most,
    )
    answered = np.ones(len(stream.labels), bool) if stream.abstained is None else ~stream.abstained
    n_answered, n_right = int(answered.sum()), int(stream.right[answered].sum())
    precision = n_right / max(n_answered, 1)
    is_chance = 0 < n_answered < FEW_TEXTS and (
        binomtest(n_right, n_answered, MIN_PRECISION, "less").pvalue >= SIGNIFICANCE
    )
    yield Check(
        "precision",
        f"at least {MIN_PRECISION} of the predictions without an abstention are correct"
        + (f" (or not significantly less, with {n_answered:,} texts)" if is_chance else ""),
        f"{precision:.4f}" if n_answered else "the model abstains from every text",
        passed=precision >= MIN_PRECISION or is_chance,
    )


def check_all_topics(
    stream: Evaluation, manifest: Manifest, reference: Evaluation | None
) -> Iterator[Check]:
    """Check all topics of the texts; yield nothing for a bundle that does not find them."""
    scores = stream.scores()
    if "all_topics_precision" not in scores:
        return
    least, precision = manifest.all_topics_precision, scores["all_topics_precision"]
    yield Check(
        "all topics, precision",
        f"at least {least:.4g}, which the thresholds were chosen for",
        f"{precision:.4f}",
        passed=precision >= least,
    )
    theirs = reference.scores().get("all_topics_micro_f1") if reference else None
    if theirs is not None:
        ours = scores["all_topics_micro_f1"]
        yield Check(
            "all topics, micro F1",
            f"at most {MAX_ACCURACY_DROP} below {theirs:.4f}",
            f"{ours:.4f}",
            passed=ours >= theirs - MAX_ACCURACY_DROP,
        )


def check_topics(
    evaluation: Evaluation, reference: Evaluation | None, codes: Sequence[str]
) -> Check:
    """Check the F1 of each topic with enough test texts."""
    ours = evaluation.by_topic(codes)
    theirs = [row["f1"] for row in reference.by_topic(codes)] if reference else [0.0] * len(codes)
    low = [
        f"{row['topic']} {row['f1']:.2f}" + (f" (released: {other:.2f})" if reference else "")
        for row, other in zip(ours, theirs, strict=True)
        if row["test_newswires"] >= MIN_TOPIC_NEWSWIRES
        and row["f1"] < max(MIN_TOPIC_F1, other - MAX_TOPIC_F1_DROP)
    ]
    released = f", and that of the released bundle less {MAX_TOPIC_F1_DROP}" if reference else ""
    return Check(
        "topics",
        f"F1 of each with {MIN_TOPIC_NEWSWIRES} test texts at least {MIN_TOPIC_F1}{released}",
        f"below: {', '.join(low)}" if low else "all of them",
        passed=not low,
    )


def check_useful(evaluation: Evaluation, largest_class: float) -> Check:
    """Check that the accuracy of a first bundle is above that of the most frequent topic."""
    accuracy, n_texts = float(evaluation.right.mean()), len(evaluation.labels)
    p_value = binomtest(int(evaluation.right.sum()), n_texts, largest_class, "greater").pvalue
    return Check(
        "accuracy",
        f"above {largest_class:.4f}, that of the largest topic (p below {SIGNIFICANCE})",
        f"{accuracy:.4f}, p = {p_value:.2g}",
        passed=bool(p_value < SIGNIFICANCE),
    )


def check_accuracy(evaluation: Evaluation, reference: Evaluation, name: str) -> Iterator[Check]:
    """Check that accuracy is not lower than the released bundle's, by value and significance."""
    ours, theirs = evaluation.right.mean(), reference.right.mean()
    allowed = max(MAX_ACCURACY_DROP, MAX_TEXTS_DROP / len(evaluation.right))
    yield Check(
        "accuracy",
        f"at least that of bundle {name}, {theirs:.4f}, less {allowed:.4g}",
        f"{ours:.4f}",
        passed=bool(ours >= theirs - allowed),
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
