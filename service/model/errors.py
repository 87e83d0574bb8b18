"""What can go wrong with a model, in words; none of it knows HTTP.

NewswireError
├── BundleError      a bundle is missing, incomplete, altered or contradicts its own proof
└── InferenceError   the network failed, or gave something that is not a probability
"""

from typing import Final

LONGEST_REFUSAL: Final = 1_000
_LEFT_OUT: Final = " ... "


class NewswireError(Exception):
    """Base of every error that this project raises on purpose; its text is one clear line."""


class BundleError(NewswireError):
    """A model bundle is missing, incomplete, altered or contradicts its own proof.

    What it says may repeat what a file holds, so it is cut to `LONGEST_REFUSAL` characters, the
    middle left out.
    """

    def __init__(self, message: str) -> None:
        if len(message) > LONGEST_REFUSAL:
            half = (LONGEST_REFUSAL - len(_LEFT_OUT)) // 2
            message = f"{message[:half]}{_LEFT_OUT}{message[-half:]}"
        super().__init__(message)


class InferenceError(NewswireError):
    """The network failed, or gave no probability distribution over the topics."""
