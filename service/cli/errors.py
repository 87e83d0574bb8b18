"""What can go wrong with a command, in words."""

from service.model import NewswireError


class CommandError(NewswireError):
    """An input or an option does not allow what was asked; the text is one clear line."""
