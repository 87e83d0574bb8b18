"""What can go wrong while training, in words.

NewswireError
├── DataError     a data set is missing, incomplete or altered
└── ExportError   the exported network does not answer as the trained one
"""

from service.model import NewswireError


class DataError(NewswireError):
    """A data set is missing, incomplete or altered; the message says which and what to do."""


class ExportError(NewswireError):
    """The exported network does not answer as the trained one."""
