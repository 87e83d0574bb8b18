"""Another model without a restart: found, tried, loaded aside, and swapped in."""

import gc
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from service.app import NewswireApp
from service.model import BundleError, Manifest, TopicClassifier, find_bundle
from service.model.files import MANIFEST_FILE, MANIFEST_HASH_FILE, read_file
from service.model.steps import rest, resting
from service.trial import Trial

FINGERPRINT_LENGTH: Final = 64
REST_SECONDS: Final = 0.003
"""How long the loading of a bundle rests after each step; most steps take a twentieth of that."""
GIVE_WAY_SECONDS: Final = 0.0001
"""How soon the event loop is let in when it wants to go on; usually it waits for 5 ms."""
LAST_FILES: Final = (MANIFEST_FILE, MANIFEST_HASH_FILE)
"""Without them a bundle is not whole yet."""

State = tuple[object, ...]
"""What of a bundle's files changes if they do."""

logger = logging.getLogger(__name__)


class Reloader:
    """Looks whether another bundle is to be served, in a thread of its own.

    It is tried in a process of its own (`service.trial`), then loaded and proven here, beside the
    one that serves, and put in its place by one assignment on the event loop. One that is refused
    changes nothing, and is not tried again before its files change, or somebody asks.

    Parameters
    ----------
    app : NewswireApp
    model_dir : Path
        A bundle, or a folder of numbered ones.
    path : Path
        The bundle in it that is served.
    seconds : float
        How often to look; 0 is only if asked.
    """

    def __init__(self, app: NewswireApp, model_dir: Path, path: Path, *, seconds: float) -> None:
        self._app = app
        self._model_dir = model_dir
        self._served = (path, app.model.served.classifier.fingerprint)
        self._seconds = seconds
        self._ignored: State | None = None
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
        threading.Thread(target=self._run, name="reload", daemon=True).start()

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

    def _run(self) -> None:
        while True:
            self._wake.wait(self._seconds or None)
            if self._stopping:
                return
            self._wake.clear()
            if self._asked:
                self._asked = False
                self._ignored = None
            try:
                self._look()
            except Exception:
                logger.exception("A bundle could not be looked for")

    def _look(self) -> None:
        began = perf_counter()
        state: State = ()
        try:
            path = find_bundle(self._model_dir)
            state = state_of(path)
            if state == self._ignored or not self._is_another(path):
                return
            if absent := [name for name in LAST_FILES if not (path / name).exists()]:
                self._ignored = state
                logger.info("%s has no %s yet: waiting for it", path, " and no ".join(absent))
                return
            classifier = self._load(path)
        except (BundleError, OSError) as error:  # it may not be allowed to look
            self._refuse(error, state or (str(error),))
        else:
            if not self._stopping:
                self._hand_over(classifier, path, began)

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
        with giving_way(), resting(REST_SECONDS):
            classifier = TopicClassifier.load(path, fingerprint=tried)
            rest()
            settle()
            rest()
        return classifier

    def _refuse(self, error: Exception, state: State) -> None:
        if self._stopping or state == self._ignored:
            return
        self._ignored = state
        self._app.metrics.reloads.labels("refused").inc()
        served, _ = self._served
        logger.error("Refused, and %s serves on: %s", served, error)

    def _hand_over(self, classifier: TopicClassifier, path: Path, began: float) -> None:
        served = self._app.prepare(classifier)
        before, _ = self._served
        self._served = (path, classifier.fingerprint)
        self._ignored = None

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
