"""From a request's body to a validated request: read, bounded, parsed and checked once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from service.api.errors import (
    InvalidRequestError,
    MalformedBodyError,
    TooLargeError,
    UnsupportedMediaTypeError,
)
from service.api.schemas import (
    BatchItem,
    BatchRequest,
    ClassifyRequest,
    FieldProblem,
    RankingOptions,
)

JSON: Final = "application/json"
PLAIN_TEXT: Final = "text/plain"
JSON_INVALID: Final = "json_invalid"
"""Pydantic's name for a body that is not JSON."""
JSON_EXPANSION: Final = 6
"""JSON may write one byte of text as six, ``\\u0041``."""
QUOTES_A_FIELD: Final = 4
"""Around its name, and around its value."""
SMALL_BYTES: Final = 16_384
"""Bodies up to this are harmless, whatever they hold."""
JSON_OVERHEAD_BYTES: Final = 1_024
"""For the names of the fields, and some white space."""

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a request may ask for.

    Attributes
    ----------
    max_text_bytes : int
        Of a text and its title together, in UTF-8; a body may be as long as one such text.
    max_batch_items : int
    max_explained_words : int
        In all texts of a request together: to explain takes the square of their number.
    max_top_k : int
        How many topics there are.
    """

    max_text_bytes: int
    max_batch_items: int
    max_explained_words: int
    max_top_k: int


async def read_body(
    scope: Scope, receive: Receive, limits: Limits, media_types: Sequence[str] = (JSON,)
) -> tuple[str, bytes]:
    """Read a body, counting bytes as they come, and stop at what no valid request can have.

    Returns
    -------
    media_type : str
        Of ``media_types``, as which the body is declared.
    body : bytes

    Raises
    ------
    UnsupportedMediaTypeError
        If the body is declared as something else.
    TooLargeError
        If it is longer than any way of writing a text within the limit.
    ClientDisconnect
        If the connection ends before the body does.
    """
    declared = find_header(scope, b"content-type").partition(b";")[0].strip().lower()
    media_type = next((name for name in media_types if name.encode() == declared), None)
    if media_type is None:
        expected = " or ".join(media_types)
        raise UnsupportedMediaTypeError(f"Expected a body with Content-Type: {expected}.")
    check_not_compressed(scope)
    return media_type, await read_bounded(receive, limits)


async def read_bounded(receive: Receive, limits: Limits) -> bytes:
    """Read a body of any type, as `read_body` does.

    Raises
    ------
    TooLargeError, ClientDisconnect
    """
    limit = JSON_EXPANSION * limits.max_text_bytes + JSON_OVERHEAD_BYTES
    chunks: list[bytes] = []
    length = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        length += len(chunks[-1])
        if length > limit:
            raise TooLargeError(_too_large(limits))
        more = message.get("more_body", False)
    return b"".join(chunks)


def check_not_compressed(scope: Scope) -> None:
    """Refuse a compressed body: what it grows to is not known before.

    Raises
    ------
    UnsupportedMediaTypeError
    """
    if find_header(scope, b"content-encoding").strip().lower() not in (b"", b"identity"):
        raise UnsupportedMediaTypeError("Expected a body that is not compressed.")


def find_header(scope: Scope, name: bytes) -> bytes:
    """Give the first header of a name in lower case, as ASGI has it; empty if there is none."""
    for header, value in scope["headers"]:
        if header == name:
            return bytes(value)
    return b""


def parse_classify_request(body: bytes, limits: Limits) -> ClassifyRequest:
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
    if _has_more_names(body, QUOTES_A_FIELD * len(ClassifyRequest.model_fields)):
        raise InvalidRequestError([_other_fields(ClassifyRequest)])
    request = parse_body(ClassifyRequest, body)
    check_options(request, limits)
    check_text(request, limits)
    return request


def parse_batch_request(body: bytes, limits: Limits) -> BatchRequest:
    """Parse and check the body of ``POST /classify/batch``, but not its items.

    Raises
    ------
    MalformedBodyError, InvalidRequestError
        As `parse_classify_request`.
    """
    n_fields = len(BatchRequest.model_fields) + limits.max_batch_items * len(BatchItem.model_fields)
    if _has_more_names(body, QUOTES_A_FIELD * n_fields):
        fields = ", ".join(BatchItem.model_fields)
        message = f"Expected at most {limits.max_batch_items} items with no fields but {fields}"
        raise InvalidRequestError([FieldProblem(field="items", message=message)])
    request = parse_body(BatchRequest, body)
    check_options(request, limits)
    if len(request.items) > limits.max_batch_items:
        message = f"Input should have at most {limits.max_batch_items} items"
        raise InvalidRequestError([FieldProblem(field="items", message=message)])
    return request


def check_batch_item(item: Any, limits: Limits) -> BatchItem:
    """Check an item of a batch.

    Raises
    ------
    InvalidRequestError, TooLargeError
        As `parse_classify_request`.
    """
    try:
        checked = BatchItem.model_validate(item)
    except ValidationError as error:
        raise invalid_request(BatchItem, error) from None
    check_text(checked, limits)
    return checked


def _has_more_names(body: bytes, most_quotes: int) -> bool:
    """Whether a body has more names and texts than a valid one can have.

    The parser keeps an error for each name that it does not know: of a body of megabytes, that
    would be gigabytes. In texts quotes are escaped, so the others are those of names and texts.
    """
    if len(body) <= SMALL_BYTES:
        return False
    return body.count(b'"') - body.count(b'\\"') > most_quotes


def parse_body(model: type[Model], body: bytes) -> Model:
    """Parse JSON that is to be a model.

    Raises
    ------
    MalformedBodyError, InvalidRequestError
        As `parse_classify_request`.
    """
    try:
        return _validate(model, body)
    except ValidationError as error:
        (first, *_) = error.errors(include_url=False, include_context=False, include_input=False)
        if first["type"] == JSON_INVALID:
            raise MalformedBodyError(f"Expected JSON in UTF-8. {first['msg']}.") from None
        raise invalid_request(model, error) from None


def _validate(model: type[Model], body: bytes) -> Model:
    """Parse a request, also where pydantic's parser is stricter than JSON.

    It refuses a byte order mark, and half of a surrogate pair, which is what is left of an emoji
    where a program cut a text to length; here it counts as a question mark.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        if error.errors(include_url=False)[0]["type"] != JSON_INVALID:
            raise
        try:
            value = json.loads(body.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            raise error from None
        repaired = json.dumps(value, ensure_ascii=False).encode(errors="replace")
        return model.model_validate_json(repaired)


def check_options(options: RankingOptions, limits: Limits) -> None:
    """Raise InvalidRequestError for what no model can rank."""
    if options.top_k > limits.max_top_k:
        message = f"Input should be less than or equal to {limits.max_top_k}"
        raise InvalidRequestError([FieldProblem(field="top_k", message=message)])


def check_text(item: BatchItem, limits: Limits) -> None:
    """Check what pydantic would have to ask Python for.

    Raises
    ------
    InvalidRequestError, TooLargeError
        As `parse_classify_request`.
    """
    if not item.text or item.text.isspace():
        message = "Input should hold more than white space"
        raise InvalidRequestError([FieldProblem(field="text", message=message)])
    if _size(item.text) + _size(item.title or "") > limits.max_text_bytes:
        raise TooLargeError(_too_large(limits))


def invalid_request(model: type[BaseModel], error: ValidationError) -> InvalidRequestError:
    """Say what is wrong with a request, without repeating anything of it."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return InvalidRequestError([_field_problem(model, item) for item in details])


def _field_problem(model: type[BaseModel], detail: ErrorDetails) -> FieldProblem:
    if detail["type"] == "extra_forbidden":  # its name is the client's own text: not repeated
        return _other_fields(model)
    field = ".".join(map(str, detail["loc"])) or "body"
    return FieldProblem(field=field, message=detail["msg"])


def _other_fields(model: type[BaseModel]) -> FieldProblem:
    known = ", ".join(model.model_fields)
    return FieldProblem(field="body", message=f"Expected no other fields than {known}")


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _too_large(limits: Limits) -> str:
    return f"Expected at most {limits.max_text_bytes} bytes of text, title included, in UTF-8."
