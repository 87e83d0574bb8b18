"""Errors of admission and timeouts."""


class BusyError(Exception):
    """The service cannot process a request now; the message is for the client.

    ``retry_after`` is the number of seconds after which to retry: at least 1.
    """

    def __init__(self, message: str, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class OverloadedError(BusyError):
    """Too many requests, or bytes of bodies, are in progress."""


class DeadlineExceededError(BusyError):
    """The request waited or was processed for too long."""
