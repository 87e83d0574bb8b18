"""Hot reload: finds a new bundle, validates and loads it, and replaces the served model."""

import gc
import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from service.app import NewswireApp
from service.model import BundleError, Manifest, TopicClassifier, load_classifier
from service.model.bundle_files import MANIFEST_HASH_FILE, read_file
from service.model.repository import find_bundles, missing_files, unexpected_entries
from service.reload.validator import BundleValidator

SWITCH_INTERVAL_SECONDS: Final = 0.0001
"""Thread switch interval while a model is loaded, for the event loop; the default is 5 ms."""
MAX_LOGGED_NAMES: Final = 5
RESTART_SECONDS: Final = 1.0  # delay before the watcher restarts after an error

FileState = tuple[object, ...]  # names, sizes and times of a bundle's files

logger = logging.getLogger(__name__)


class ModelWatcher:
    """Watches for new bundles in a thread.

    A new bundle is validated in a subprocess (`service.reload.validator`), then loaded and verified
    here, beside the served model, and replaces it by one assignment on the event loop. An invalid
    or incomplete bundle is skipped until its files change or a check is requested. No bundle below
    the served one is loaded while the served one exists.

    ``model_dir`` is a bundle or a folder of numbered ones, ``path`` the served bundle. With
    ``poll_seconds`` of 0 checks are only made on request. ``skipped`` are newer bundles that were
    skipped at startup.
    """

    def __init__(
        self,
        app: NewswireApp,
        model_dir: Path,
        path: Path,
        *,
        poll_seconds: float,
        skipped: Mapping[Path, FileState] | None = None,
    ) -> None:
        self._app = app
        self._model_dir = model_dir
        self._served = (path, app.model.served.classifier.fingerprint)
        self._poll_seconds = poll_seconds
        self._skipped = dict(skipped or {})
        app.metrics.skipped_bundles.set(len(self._skipped))
        self._validator: BundleValidator | None = None
        self._wake = threading.Event()
        self._requested = False
        self._stopping = False

    def start(self, call_soon: Callable[..., Any]) -> None:
        """Start the thread; the first check is at once, since requests during startup are lost."""
        self._call_soon = call_soon
        self._wake.set()
        threading.Thread(target=self._watch, name="reload", daemon=True).start()

    def request_check(self) -> None:
        """Check now, including bundles that were skipped."""
        self._requested = True
        self._wake.set()

    def stop(self) -> None:
        """Stop watching and kill a running validator; a model that is loading is not served."""
        self._stopping = True
        self._wake.set()
        if self._validator:
            self._validator.kill()

    def _watch(self) -> None:
        metrics = self._app.metrics
        with metrics.model_watcher_running.track_inprogress():
            while not self._stopping:
                try:
                    self._wake.wait(self._poll_seconds or None)
                    self._wake.clear()
                    if not self._stopping:
                        self._check()
                except Exception:
                    logger.exception("model watcher failed, restarting in %g s", RESTART_SECONDS)
                    metrics.reloads.labels("error").inc()
                    time.sleep(RESTART_SECONDS)

    def _check(self) -> None:
        """Serve the highest new bundle that is valid; log the outcome of a request."""
        requested, self._requested = self._requested, False
        if requested:
            self._skipped.clear()
        served = self._served
        self._load_newest()
        if requested and self._served == served:
            path, _ = served
            if not self._skipped:
                logger.info("no new bundle in %s, still serving %s", self._model_dir, path)
            log_warnings(path, self._app.model.served.classifier.manifest)

    def _load_newest(self) -> None:
        try:
            bundles = find_bundles(self._model_dir)
        except (BundleError, OSError) as error:
            self._record_failure(error, self._model_dir, (str(error),))
            return
        self._skipped = {path: self._skipped[path] for path in bundles if path in self._skipped}
        n_skipped = 0
        for path in bundles:
            began = perf_counter()
            if self._stopping or not self._is_another(path):
                break
            state = file_state(path)
            is_new = state != self._skipped.get(path)
            if is_new and (classifier := self._load(path, state)):
                self._replace_model(classifier, path, began)
                break
            if path == self._served[0]:
                break
            n_skipped += 1
        self._app.metrics.skipped_bundles.set(n_skipped)

    def _is_another(self, path: Path) -> bool:
        try:
            fingerprint, _, _ = read_file(path, MANIFEST_HASH_FILE).partition(b" ")
        except BundleError:
            return True
        return (path, fingerprint.decode(errors="replace")) != self._served

    def _load(self, path: Path, state: FileState) -> TopicClassifier | None:
        """Validate and load a bundle; skip an invalid or incomplete one until it changes."""
        if missing := missing_files(path):
            self._skipped[path] = state
            logger.info("incomplete bundle skipped: %s has no %s", path, " and no ".join(missing))
            return None
        try:
            self._validator = BundleValidator(path)
            if self._stopping:
                self._validator.kill()
            fingerprint = self._validator.result()
            usual = sys.getswitchinterval()
            sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
            try:
                classifier = load_classifier(path, fingerprint=fingerprint)
                freeze_gc()
            finally:
                sys.setswitchinterval(usual)
        except (BundleError, OSError) as error:
            self._record_failure(error, path, state)
            return None
        return classifier

    def _record_failure(self, error: Exception, path: Path, state: FileState) -> None:
        if self._stopping or state == self._skipped.get(path):
            return
        self._skipped[path] = state
        self._app.metrics.reloads.labels("failed").inc()
        logger.error("model reload failed, keeping %s: %s", self._served[0], error)

    def _replace_model(self, classifier: TopicClassifier, path: Path, began: float) -> None:
        if self._stopping:
            return
        log_warnings(path, classifier.manifest)
        served = self._app.prepare(classifier)
        previous, _ = self._served
        self._served = (path, classifier.fingerprint)

        def adopt() -> None:
            self._app.adopt(served)
            self._app.metrics.reloads.labels("loaded").inc()
            manifest = classifier.manifest
            logger.info(
                "model reloaded: serving %s %s of %s instead of %s",
                *(manifest.name, manifest.version, path, previous),
                extra={"seconds": round(perf_counter() - began, 3)},
            )

        self._call_soon(adopt)


def log_warnings(path: Path, manifest: Manifest) -> None:
    """Warn of a bundle that was moved into this one, and of a model that never abstains."""
    if names := unexpected_entries(path, manifest):
        listed = ", ".join(map(repr, names[:MAX_LOGGED_NAMES]))
        logger.warning(
            "bundle %s contains %d entries that are not in its manifest: %s; "
            "move a new bundle beside it: mv -T NEW %s",
            *(path, len(names), listed, path.parent / "NUMBER"),
        )
    if not manifest.abstains:
        logger.warning(
            "model %s %s has no thresholds: it never abstains unless a request sets min_confidence",
            *(manifest.name, manifest.version),
        )


def file_state(path: Path) -> FileState:
    """Return a value that changes when a file of a bundle does."""
    try:
        files = sorted([path, *path.iterdir(), *path.glob("*/*")])
        states = [(file, file.lstat()) for file in files]
    except OSError as error:  # it is being removed
        return (str(path), str(error))
    return tuple((str(file), s.st_ino, s.st_size, s.st_mtime_ns) for file, s in states)


def freeze_gc() -> None:
    """Exempt all present objects from garbage collection: the model stays."""
    gc.collect()
    gc.freeze()
