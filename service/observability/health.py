"""What probes are told: whether the service wants requests, and whether a restart would help it."""

import logging
from threading import Lock
from typing import Final

MAX_INFERENCE_ERRORS: Final = 3
"""In a row: no accident of one text, but a network, a memory or a machine that is broken."""

logger = logging.getLogger(__name__)


class ServiceHealth:
    """Whether the service is alive, and ready. Its port opens when it is both.

    A process whose inferences fail is not alive, and does not become so again: what is broken is
    not known, and a restart loads and proves the model anew. Safe to use from several threads.

    Attributes
    ----------
    live : bool
        False says that a restart is wanted.
    """

    def __init__(self) -> None:
        self.live = True
        self._wants_requests = True
        self._errors_in_a_row = 0
        self._counting = Lock()

    @property
    def ready(self) -> bool:
        """Whether the service wants new requests."""
        return self.live and self._wants_requests

    def mark_draining(self) -> None:
        """Say from now on that it does not."""
        self._wants_requests = False

    def inference_succeeded(self) -> None:
        """Begin again to count errors in a row."""
        if self._errors_in_a_row:
            with self._counting:
                self._errors_in_a_row = 0

    def inference_failed(self) -> None:
        """Count a request that failed because the model gave nothing valid."""
        with self._counting:
            self._errors_in_a_row += 1
            if self.live and self._errors_in_a_row >= MAX_INFERENCE_ERRORS:
                self.live = False
                logger.error(
                    "not alive from now on: %d inferences failed in a row, restart the service",
                    self._errors_in_a_row,
                )
