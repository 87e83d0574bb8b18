"""A text as it is, without JSON around it: the body is the text, the options are in the query."""

from typing import Final
from urllib.parse import parse_qsl

from pydantic import ValidationError
from pydantic_core import to_json

from service.api.problems import InvalidRequestError, MalformedBodyError
from service.api.schemas import FieldProblem, PlainTextOptions
from service.api.validation_errors import invalid_request, unknown_fields

MAX_OPTIONS: Final = 16
"""More than there are; a longer query is not read to its end."""


def to_json_request(body: bytes, query: bytes) -> bytes:
    """Give the `ClassifyRequest`, as JSON, that a plain text and its options stand for.

    Parameters
    ----------
    body : bytes
        UTF-8, perhaps with a byte order mark.
    query : bytes
        As ASGI has it, percent-encoded.

    Raises
    ------
    MalformedBodyError
        If the body is not UTF-8.
    InvalidRequestError
        If an option is unknown, given twice or not of its form.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MalformedBodyError("Expected text in UTF-8.") from None
    try:
        given = parse_qsl(
            query.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_OPTIONS
        )
    except ValueError:
        raise unknown_fields(PlainTextOptions, place="query") from None
    if len(values := dict(given)) < len(given):
        raise InvalidRequestError(
            [FieldProblem(field="query", message="Expected each option once")]
        )
    if unknown := [name for name in values if name not in PlainTextOptions.model_fields]:
        raise unknown_fields(PlainTextOptions, unknown, place="query")
    try:
        options = PlainTextOptions.model_validate_strings(values)
    except ValidationError as error:
        raise invalid_request(PlainTextOptions, error) from None
    return to_json({"text": text, **options.model_dump(exclude_unset=True)})
