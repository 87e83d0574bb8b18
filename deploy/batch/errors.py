"""What can go wrong with a bulk run, in words."""

from service.model import NewswireError


class BulkError(NewswireError):
    """The input, the output or the options do not allow the run; the text says what would."""
