"""Errors of the model.

NewswireError
├── BundleError      a bundle is missing, incomplete, altered or fails its golden cases
└── InferenceError   the network failed, or its output is no probability distribution
"""

from typing import Final

MAX_MESSAGE_LENGTH: Final = 1_000
_LEFT_OUT: Final = " ... "


class NewswireError(Exception):
    """Base of the errors that this project raises; the message is one line."""


class BundleError(NewswireError):
    """A model bundle is missing, incomplete, altered or fails its golden cases.

    The message may quote a file, so its middle is cut out beyond `MAX_MESSAGE_LENGTH` characters.
    """

    def __init__(self, message: str) -> None:
        if len(message) > MAX_MESSAGE_LENGTH:
            half = (MAX_MESSAGE_LENGTH - len(_LEFT_OUT)) // 2
            message = f"{message[:half]}{_LEFT_OUT}{message[-half:]}"
        super().__init__(message)


class InferenceError(NewswireError):
    """The network failed, or its output is no probability distribution."""
