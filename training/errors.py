"""Errors of the training job.

NewswireError
├── DataError     a data set is missing, incomplete or altered
└── ExportError   the exported network differs from the trained one
"""

from service.model import NewswireError


class DataError(NewswireError):
    """A data set is missing, incomplete or altered; the message says which and what to do."""


class ExportError(NewswireError):
    """The exported network differs from the trained one."""
