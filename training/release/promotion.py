"""Promotion of a candidate to the released bundles, after checks against the current one."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from service.model import (
    BundleError,
    Manifest,
    TopicClassifier,
    find_bundle,
    load_bundle,
    load_classifier,
    save_bundle,
)
from service.model.bundle_files import EVALUATION_FOLDER
from service.model.repository import next_bundle, numbered_bundles
from training.data import Dataset, Source
from training.data.dataset import DataError
from training.data.views import ARTICLE, KERAS, views_of
from training.evaluation.baselines import trivial_accuracies
from training.evaluation.evaluate import describe_difference, evaluate, stream_of
from training.release import checks
from training.release.checks import Check

TIMED_TEXTS: Final = 200


def run_checks(
    candidate: Path, released: Path, dataset: Dataset, *, new_topics: bool = False
) -> list[Check]:
    """Check a candidate against the released bundles of the same training split.

    Accuracy is compared with the highest number, and speed with the lowest, so that slowdowns
    cannot add up. A first bundle, and one of new topics, has to pass absolute bars alone. A bundle
    that cannot be loaded fails a single check. Raises `DataError` if the released
    bundle has other topics and these are not to be replaced, or the candidate was trained on other
    data.
    """
    try:
        ours = load_classifier(candidate)
    except BundleError as error:
        return [Check("parity", "goldens hold, hashes match", str(error), passed=False)]
    if not is_trained_on(ours.manifest, dataset):
        raise DataError(
            "expected the data and the split that the candidate was trained on, got others: its "
            "training texts may be among these test texts. It was trained by: "
            f"{ours.manifest.command}"
        )
    numbered = numbered_bundles(released) if released.is_dir() else {}
    served = load_classifier(released) if numbered else None
    if served is not None:
        check_same_topics(ours, served, released, new_topics=new_topics)
        served = None if new_topics else served
    evaluations = evaluate(ours, dataset)
    name = ARTICLE if ARTICLE in evaluations else KERAS
    evaluation, stream = evaluations[name], stream_of(evaluations)
    texts = views_of(dataset.test, dataset.vocabulary)[name].texts[:TIMED_TEXTS]
    reference = reference_stream = speed_reference = None
    if served:
        references = evaluate(served, dataset)
        reference, reference_stream = references[name], stream_of(references)
        rising = (load_classifier(numbered[number]) for number in sorted(numbered))
        speed_reference = next(item for item in rising if {*_codes(item)} == {*_codes(ours)})
    return [
        checks.check_parity(evaluation, ours.manifest, name),
        checks.check_size(candidate, ours.manifest, len(dataset.topics)),
        checks.check_speed(ours, speed_reference, texts),
        *checks.check_stream(stream),
        checks.check_topics(evaluation, reference, dataset.topic_codes),
        *checks.check_all_topics(stream, ours.manifest, reference_stream),
        *(
            checks.check_accuracy(evaluation, reference, find_bundle(released).name)
            if reference
            else [checks.check_useful(evaluation, trivial_accuracies(dataset)["largest_class"])]
        ),
    ]


def is_trained_on(manifest: Manifest, dataset: Dataset) -> bool:
    """Return whether a bundle was trained on exactly this data set and its split.

    `options_of_bundles` makes sure that the seeds of the splits are the same.
    """
    if manifest.data.get("fingerprint") == dataset.fingerprint():
        return True
    sources = {manifest.data.get("source"), dataset.source}
    return sources <= {Source.KERAS, Source.REUTERS21578} or sources == {Source.MODAPTE}


def check_same_topics(
    ours: TopicClassifier, served: TopicClassifier, released: Path, *, new_topics: bool
) -> None:
    """Raise `DataError` unless topics are those served, or, with ``new_topics``, other ones."""
    are_same = {*_codes(ours)} == {*_codes(served)}
    if new_topics and are_same:
        raise DataError(
            f"--new-topics: expected other topics than those of bundle {served.manifest.version} "
            f"in {released}, got the same: leave the option out, so that both are compared"
        )
    if not new_topics and not are_same:
        raise DataError(
            f"expected the {len(served.topics)} topics of bundle {served.manifest.version} in "
            f"{released}, {describe_difference(_codes(ours), _codes(served))}; clients would get "
            "other topics: release it elsewhere with --to, or here with --new-topics"
        )


def _codes(classifier: TopicClassifier) -> list[str]:
    return [topic.code for topic in classifier.topics]


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
