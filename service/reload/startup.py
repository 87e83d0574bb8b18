"""Loads the newest valid bundle at startup."""

import logging
from pathlib import Path
from typing import NamedTuple

from service.model import BundleError, TopicClassifier, load_classifier
from service.model.repository import find_bundles, missing_files
from service.reload.watcher import FileState, file_state, log_unexpected_entries

logger = logging.getLogger(__name__)


class SkippedBundle(NamedTuple):
    """A bundle with a higher number than the served one, and why it is not served."""

    path: Path
    state: FileState
    error: BundleError


class StartupModel(NamedTuple):
    """The classifier to serve, its bundle, and the newer bundles that were skipped."""

    path: Path
    classifier: TopicClassifier
    skipped: list[SkippedBundle]

    def log(self) -> None:
        """Log each skipped bundle, and unexpected files of the served one."""
        for skipped in self.skipped:
            logger.error("bundle skipped, serving %s: %s", self.path, skipped.error)
        log_unexpected_entries(self.path, self.classifier)


def load_newest(model_dir: Path) -> StartupModel:
    """Load the newest valid bundle: an invalid one does not prevent the start.

    Raises
    ------
    BundleError
        If none is valid; the message has the reason for each.
    """
    skipped: list[SkippedBundle] = []
    for path in find_bundles(model_dir):
        state = file_state(path)
        try:
            return StartupModel(path, _load(path), skipped)
        except BundleError as error:
            skipped.append(SkippedBundle(path, state, error))
    raise BundleError("; ".join(str(each.error) for each in skipped))


def _load(path: Path) -> TopicClassifier:
    if missing := missing_files(path):
        raise BundleError(f"{path}: has no {' and no '.join(missing)}: empty or incomplete")
    return load_classifier(path)
