"""From a request's body to a validated request: read, bounded, parsed and checked once."""

import json
from typing import Final

from fastapi import Request
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from service.api.errors import (
    InvalidRequestError,
    MalformedBodyError,
    TooLargeError,
    UnsupportedMediaTypeError,
)
from service.api.schemas import ClassifyRequest, FieldProblem

MEDIA_TYPE: Final = "application/json"
JSON_INVALID: Final = "json_invalid"
"""Pydantic's name for a body that is not JSON."""
JSON_EXPANSION: Final = 6
"""JSON may write one byte of text as six, ``\\u0041``."""
JSON_OVERHEAD_BYTES: Final = 1_024
"""For the names of the fields, and some white space."""


async def read_body(request: Request, *, max_text_bytes: int) -> bytes:
    """Read a JSON body, counting bytes as they come, and stop at what no valid request can have.

    Raises
    ------
    UnsupportedMediaTypeError
        If the body is declared as something else than JSON.
    TooLargeError
        If it is longer than any way of writing a text within the limit.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != MEDIA_TYPE:
        raise UnsupportedMediaTypeError(f"Expected a body with Content-Type: {MEDIA_TYPE}.")
    limit = JSON_EXPANSION * max_text_bytes + JSON_OVERHEAD_BYTES
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLargeError(_too_large(max_text_bytes))
    return bytes(body)


def parse_classify_request(body: bytes, *, n_topics: int, max_text_bytes: int) -> ClassifyRequest:
    """Parse and check the body of ``POST /classify``.

    Raises
    ------
    MalformedBodyError
        If the body is not JSON in UTF-8.
    InvalidRequestError
        If it is not the request that was expected.
    TooLargeError
        If text and title together are over the limit.
    """
    try:
        request = _validate(body)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        if details[0]["type"] == JSON_INVALID:
            raise MalformedBodyError(f"Expected JSON in UTF-8. {details[0]['msg']}.") from None
        raise InvalidRequestError([_field_problem(item) for item in details]) from None
    if request.top_k > n_topics:
        message = f"Input should be less than or equal to {n_topics}"
        raise InvalidRequestError([FieldProblem(field="top_k", message=message)])
    if _size(request.text) + _size(request.title or "") > max_text_bytes:
        raise TooLargeError(_too_large(max_text_bytes))
    return request


def _validate(body: bytes) -> ClassifyRequest:
    """Parse a request, also where pydantic's parser is stricter than JSON.

    It refuses a byte order mark, and half of a surrogate pair, which is what is left of an emoji
    where a program cut a text to length; here it counts as a question mark.
    """
    try:
        return ClassifyRequest.model_validate_json(body)
    except ValidationError as error:
        if error.errors(include_url=False)[0]["type"] != JSON_INVALID:
            raise
        try:
            value = json.loads(body.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            raise error from None
        repaired = json.dumps(value, ensure_ascii=False).encode(errors="replace")
        return ClassifyRequest.model_validate_json(repaired)


def _field_problem(detail: ErrorDetails) -> FieldProblem:
    if detail["type"] == "extra_forbidden":  # its name is the client's own text: not repeated
        known = ", ".join(ClassifyRequest.model_fields)
        return FieldProblem(field="body", message=f"Expected no other fields than {known}")
    field = ".".join(map(str, detail["loc"])) or "body"
    return FieldProblem(field=field, message=detail["msg"])


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _too_large(max_text_bytes: int) -> str:
    return f"Expected at most {max_text_bytes} bytes of text, title included, in UTF-8."
