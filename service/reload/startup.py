"""The bundle that a service starts with: the newest that verifies."""

import logging
from pathlib import Path
from typing import NamedTuple

from service.model import BundleError, TopicClassifier, load_classifier
from service.model.bundle import find_bundles, missing_files
from service.reload.validator import Trial
from service.reload.watcher import State, log_unexpected_entries, state_of

logger = logging.getLogger(__name__)


class SkippedBundle(NamedTuple):
    """A bundle with a higher number than the served one, and why it is not served."""

    path: Path
    state: State
    error: BundleError


class StartingModel(NamedTuple):
    """The classifier that a service starts with, its bundle, and the newer ones it is not."""

    path: Path
    classifier: TopicClassifier
    skipped: list[SkippedBundle]

    def log(self) -> None:
        """Log which bundle is served, what is strange in its folder, and each one skipped."""
        for skipped in self.skipped:
            logger.error("bundle skipped, serving %s: %s", self.path, skipped.error)
        log_unexpected_entries(self.path, self.classifier)


def load_newest(model_dir: Path) -> StartingModel:
    """Load the newest bundle that verifies, so that one bad folder stops no start.

    Raises
    ------
    BundleError
        If none does; its message has the reason for each.
    """
    skipped: list[SkippedBundle] = []
    for path in find_bundles(model_dir):
        state = state_of(path)
        try:
            return StartingModel(path, _load(path), skipped)
        except BundleError as error:
            skipped.append(SkippedBundle(path, state, error))
    raise BundleError("; ".join(str(each.error) for each in skipped))


def _load(path: Path) -> TopicClassifier:
    if missing := missing_files(path):
        raise BundleError(f"{path}: has no {' and no '.join(missing)}: empty or incomplete")
    return load_classifier(path, fingerprint=Trial.fork(path).verdict())
