"""Another model without a restart: found, tried, loaded aside, and swapped in."""

import gc
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from service.app import NewswireApp
from service.model import BundleError, Manifest, TopicClassifier, load_classifier
from service.model.bundle import find_bundles, missing_files, unexpected_entries
from service.model.bundle_files import MANIFEST_HASH_FILE, read_file
from service.reload.validator import Trial

FINGERPRINT_LENGTH: Final = 64
GIVE_WAY_SECONDS: Final = 0.0001
"""How soon the event loop is let in when it wants to go on; usually it waits for 5 ms."""
MAX_NAMES: Final = 5
"""How many unexpected entries of a folder are logged by name."""
RESTART_SECONDS: Final = 1.0
"""How soon the watching thread goes on after it failed."""

State = tuple[object, ...]
"""What of a bundle's files changes if they do."""

logger = logging.getLogger(__name__)


class Reloader:
    """Looks whether another bundle is to be served, in a thread of its own.

    It is validated in a subprocess (`service.reload.validator`), then loaded and verified here,
    beside the served model, and replaces it by one assignment on the event loop. A bundle that
    fails changes nothing and is skipped until its files change or a check is requested; an
    incomplete bundle is skipped, too. No bundle below the served one is tried while that exists.

    Parameters
    ----------
    app : NewswireApp
    model_dir : Path
        A bundle, or a folder of numbered ones.
    path : Path
        The bundle in it that is served.
    seconds : float
        How often to look; 0 is only if asked.
    skipped : mapping of Path to State
        Newer bundles that the service did not start with, as they were when it tried them.
    """

    def __init__(
        self,
        app: NewswireApp,
        model_dir: Path,
        path: Path,
        *,
        seconds: float,
        skipped: Mapping[Path, State] | None = None,
    ) -> None:
        self._app = app
        self._model_dir = model_dir
        self._served = (path, app.model.served.classifier.fingerprint)
        self._seconds = seconds
        self._ignored = dict(skipped or {})
        app.metrics.skipped_bundles.set(len(self._ignored))
        self._trial: Trial | None = None
        self._wake = threading.Event()
        self._asked = False
        self._stopping = False

    def start(self, call_soon: Callable[..., Any]) -> None:
        """Begin to look; ``call_soon`` is how a thread has something called on the event loop.

        The first look is now: who asked while the service was starting was not heard.
        """
        self._call_soon = call_soon
        self._wake.set()
        # nobody waits for it at the end: what it is about to load is not wanted any more
        threading.Thread(target=self._watch, name="reload", daemon=True).start()

    def ask(self) -> None:
        """Look now; also at what was refused before."""
        self._asked = True
        self._wake.set()

    def stop(self) -> None:
        """Look no more, and abandon what is being tried; what is being loaded is not served."""
        self._stopping = True
        self._wake.set()
        if trial := self._trial:
            trial.abandon()

    def _watch(self) -> None:
        """Look until told to stop; a failure is logged and counted, and does not end it."""
        metrics = self._app.metrics
        metrics.model_watcher_running.set(1)
        try:
            while not self._stopping:
                try:
                    self._run()
                except Exception:
                    logger.exception("reload watcher failed, restarting in %g s", RESTART_SECONDS)
                    metrics.reloads.labels("error").inc()
                    time.sleep(RESTART_SECONDS)
        finally:
            metrics.model_watcher_running.set(0)

    def _run(self) -> None:
        while True:
            self._wake.wait(self._seconds or None)
            if self._stopping:
                return
            self._wake.clear()
            asked, self._asked = self._asked, False
            if asked:
                self._ignored.clear()
            try:
                tried = self._look()
                if asked:
                    self._log_what_is_there(tried=tried)
            except Exception:
                logger.exception("A bundle could not be looked for")
                self._app.metrics.reloads.labels("error").inc()

    def _look(self) -> bool:
        """Try the bundles from the highest number down to the served one; return whether any was.

        The first that passes is served.
        """
        try:
            bundles = find_bundles(self._model_dir)
        except (BundleError, OSError) as error:  # it may not be allowed to look
            self._refuse(error, self._model_dir, (str(error),))
            return True
        self._ignored = {path: self._ignored[path] for path in bundles if path in self._ignored}
        tried = False
        n_skipped = 0
        for path in bundles:
            began = perf_counter()
            if self._stopping or not self._is_another(path):
                break
            state = state_of(path)
            if state != self._ignored.get(path):
                tried = True
                if classifier := self._try(path, state):
                    self._hand_over(classifier, path, began)
                    break
            if path == self._served[0]:
                break
            n_skipped += 1
        self._app.metrics.skipped_bundles.set(n_skipped)
        return tried

    def _try(self, path: Path, state: State) -> TopicClassifier | None:
        """Load a bundle; one that is refused, or not whole yet, is ignored until it changes."""
        if missing := missing_files(path):
            self._ignored[path] = state
            logger.info("%s has no %s yet: waiting for it", path, " and no ".join(missing))
            return None
        try:
            return self._load(path)
        except (BundleError, OSError) as error:
            self._refuse(error, path, state)
            return None

    def _log_what_is_there(self, *, tried: bool) -> None:
        """Log that nobody has put anything there that could be served, and what is strange."""
        path, _ = self._served
        if not tried:
            logger.info("no new bundle in %s, still serving %s", self._model_dir, path)
        log_unexpected_entries(path, self._app.model.served.classifier)

    def _is_another(self, path: Path) -> bool:
        try:
            line = read_file(path, MANIFEST_HASH_FILE)
        except BundleError:
            return True
        return (path, line[:FINGERPRINT_LENGTH].decode(errors="replace")) != self._served

    def _load(self, path: Path) -> TopicClassifier:
        self._trial = Trial.spawn(path)
        try:
            if self._stopping:
                self._trial.abandon()
            tried = self._trial.verdict()
        finally:
            self._trial = None
        with giving_way():
            classifier = load_classifier(path, fingerprint=tried)
            settle()
        return classifier

    def _refuse(self, error: Exception, path: Path, state: State) -> None:
        if self._stopping or state == self._ignored.get(path):
            return
        self._ignored[path] = state
        self._app.metrics.reloads.labels("failed").inc()
        served, _ = self._served
        logger.error("Refused, and %s serves on: %s", served, error)

    def _hand_over(self, classifier: TopicClassifier, path: Path, began: float) -> None:
        if self._stopping:
            return
        log_unexpected_entries(path, classifier)
        served = self._app.prepare(classifier)
        before, _ = self._served
        self._served = (path, classifier.fingerprint)

        def adopt() -> None:
            self._app.adopt(served)
            self._app.metrics.reloads.labels("loaded").inc()
            manifest = classifier.manifest
            logger.info(
                "Serving %s %s of %s instead of %s",
                *(manifest.name, manifest.version, path, before),
                extra={"seconds": round(perf_counter() - began, 3)},
            )
            warn_of_no_thresholds(manifest)

        self._call_soon(adopt)


def log_unexpected_entries(path: Path, classifier: TopicClassifier) -> None:
    """Log what is in a bundle's folder and not of the bundle, such as a bundle moved into it."""
    if names := unexpected_entries(path, classifier.manifest):
        logger.warning(
            "%s holds %d entries that its manifest does not name and that are not served: %s; "
            "move a new bundle beside it: mv -T NEW %s",
            path,
            len(names),
            ", ".join(map(repr, names[:MAX_NAMES])),
            path.parent / "NUMBER",
        )


def warn_of_no_thresholds(manifest: Manifest) -> None:
    """Log that a model never abstains by itself, so that its "abstained" says nothing."""
    if not manifest.abstains:
        logger.warning(
            "%s %s has no thresholds: it never abstains unless a request sets min_confidence",
            *(manifest.name, manifest.version),
        )


@contextmanager
def giving_way() -> Iterator[None]:
    """Let the event loop in soon, also while a step goes on."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(GIVE_WAY_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def state_of(path: Path) -> State:
    """Give what changes when the files of a bundle do: their names, sizes and times."""
    try:
        files = sorted([path, *path.iterdir(), *path.glob("*/*")])
        return tuple((str(file), *_state_of_file(file)) for file in files)
    except OSError as error:  # it is being removed
        return (str(path), str(error))


def _state_of_file(file: Path) -> State:
    status = file.lstat()
    return (status.st_ino, status.st_size, status.st_mtime_ns)


def settle() -> None:
    """Let the garbage collector pass over what is there now, for it stays."""
    gc.collect()
    gc.freeze()
