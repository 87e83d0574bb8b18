"""Loads the newest valid bundle at startup."""

import logging
from pathlib import Path
from typing import NamedTuple

from service.model import BundleError, TopicClassifier, load_classifier
from service.model.repository import find_bundles, missing_files
from service.reload.watcher import FileState, file_state, log_warnings

logger = logging.getLogger(__name__)


class StartupModel(NamedTuple):
    """The classifier to serve, its bundle, and the newer bundles that were skipped."""

    path: Path
    classifier: TopicClassifier
    skipped: dict[Path, FileState]
    errors: list[BundleError]  # why they were skipped

    def log(self) -> None:
        """Log each skipped bundle, and warnings about the served one."""
        for error in self.errors:
            logger.error("bundle skipped, serving %s: %s", self.path, error)
        log_warnings(self.path, self.classifier.manifest)


def load_newest(model_dir: Path) -> StartupModel:
    """Load the newest valid bundle: an invalid one does not prevent the start.

    Raises BundleError if none is valid; the message has the reason for each.
    """
    skipped: dict[Path, FileState] = {}
    errors: list[BundleError] = []
    for path in find_bundles(model_dir):
        skipped[path] = file_state(path)
        if missing := missing_files(path):
            reason = f"has no {' and no '.join(missing)}: empty or incomplete"
            errors.append(BundleError(f"{path}: {reason}"))
            continue
        try:
            classifier = load_classifier(path)
        except BundleError as error:
            errors.append(error)
        else:
            del skipped[path]
            return StartupModel(path, classifier, skipped, errors)
    raise BundleError("; ".join(map(str, errors)))
