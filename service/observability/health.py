"""Liveness and readiness."""

import logging
from threading import Lock
from typing import Final

MAX_INFERENCE_ERRORS: Final = 3  # consecutive ones mean a broken model or machine, not an odd text

logger = logging.getLogger(__name__)


class ServiceHealth:
    """Live and ready when the port opens. Thread-safe.

    Consecutive inference errors end liveness for good: a restart loads and verifies the model anew.
    """

    def __init__(self) -> None:
        self.live = True
        self._accepts_requests = True
        self.consecutive_errors = 0
        """Inferences that failed since the last one that succeeded."""
        self._lock = Lock()

    @property
    def ready(self) -> bool:
        """Whether the service accepts new requests."""
        return self.live and self._accepts_requests

    def mark_draining(self) -> None:
        """Fail readiness from now on."""
        self._accepts_requests = False

    def inference_failed(self) -> None:
        """Count a consecutive error."""
        with self._lock:
            self.consecutive_errors += 1
            if self.live and self.consecutive_errors >= MAX_INFERENCE_ERRORS:
                self.live = False
                logger.error(
                    "liveness failed after %d consecutive inference errors, restart the service",
                    self.consecutive_errors,
                )
