"""What can go wrong with a batch run, in words."""

from service.model import NewswireError


class BatchError(NewswireError):
    """The input, the output or the options do not allow the run; the text says what would."""
