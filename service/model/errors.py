"""Errors of the model: `BundleError` and `InferenceError`, subclasses of `NewswireError`."""

from typing import Final

MAX_MESSAGE_LENGTH: Final = 1_000


class NewswireError(Exception):
    """Base of the errors that this project raises; the message is one line."""


class BundleError(NewswireError):
    """A model bundle is missing, incomplete, altered or fails its golden cases.

    The message may quote a file, so its middle is cut out beyond `MAX_MESSAGE_LENGTH` characters.
    """

    def __init__(self, message: str) -> None:
        if len(message) > MAX_MESSAGE_LENGTH:
            half = MAX_MESSAGE_LENGTH // 2 - 3
            message = f"{message[:half]} ... {message[-half:]}"
        super().__init__(message)


class InferenceError(NewswireError):
    """The network failed, or its output has invalid probabilities."""
