"""Errors of the training job."""

from service.model import NewswireError


class DataError(NewswireError):
    """A data set is missing, incomplete or altered; the message says which and what to do."""


class ExportError(NewswireError):
    """The exported network differs from the trained one."""
