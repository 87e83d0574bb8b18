"""The error of the batch job."""

from service.model import NewswireError


class BatchError(NewswireError):
    """The input, the output or an option is not valid; the message says what was expected."""
