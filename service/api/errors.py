"""Errors of requests, which a client can correct."""

from collections.abc import Callable, Sequence
from typing import Annotated, Final, Self

from pydantic import BaseModel, Field

BODY: Final = "body"
"""Field path of the whole body, or of a part that is checked alone."""


class FieldProblem(BaseModel, frozen=True):
    """An invalid field of a request."""

    field: Annotated[str, Field(description="Path of the field.")]
    message: Annotated[str, Field(description="What was expected.")]


class RequestError(Exception):
    """Base of the errors that a client can correct; the message is the detail of the problem."""

    def at(self, place: str) -> Self:
        """Return the same error for a part of a request, such as ``items[3]``."""
        return type(self)(f"{place}: {self}")


class UnauthorizedError(RequestError):
    """The request has no valid key."""


class BodyTimeoutError(RequestError):
    """The body took too long."""


class UnsupportedMediaTypeError(RequestError):
    """The body has an unsupported media type, character set or content encoding."""


class TooLargeError(RequestError):
    """The text or the body exceeds a limit."""


class MalformedBodyError(RequestError):
    """The body is not JSON, or not text in UTF-8."""


class TensorError(MalformedBodyError):
    """The tensors of the Open Inference Protocol are not the expected ones."""


class InvalidRequestError(RequestError):
    """A field of the request is missing, unknown or invalid."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        self.problems = list(dict.fromkeys(problems))
        fields: dict[str, list[str]] = {}
        for item in self.problems:
            fields.setdefault(item.message, []).append(item.field)
        super().__init__(
            "; ".join(f"{', '.join(names)}: {message}" for message, names in fields.items())
        )

    @classmethod
    def of(cls, field: str, message: str) -> Self:
        """Return the error of one field."""
        return cls([FieldProblem(field=field, message=message)])

    def at(self, place: str) -> Self:
        """Return the same error for a part of a request; its path precedes those of the fields."""
        return self.renamed(lambda field: place if field == BODY else f"{place}.{field}")

    def renamed(self, rename: Callable[[str], str]) -> Self:
        """Return the same error for other paths of the fields."""
        return type(self)(
            [FieldProblem(field=rename(each.field), message=each.message) for each in self.problems]
        )
