"""Parses and validates the bodies of requests."""

from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from pydantic import ValidationError

from service.api.errors import InvalidRequestError, MalformedBodyError, RequestError
from service.api.json_body import (
    MAX_ERRORS,
    invalid_request,
    parse_again,
    parse_body,
    unknown_fields,
)
from service.api.json_complexity import SMALL_BYTES, exceeds_json_complexity
from service.api.limits import RequestLimits
from service.api.schemas import (
    BatchItem,
    BatchRequest,
    ClassifyRequest,
    PlainTextOptions,
    RankingOptions,
)
from service.model import DEFAULT_TOP_K

TEXT_FIELDS: Final = frozenset(BatchItem.model_fields)
"""Fields of the text; the others are options, whose defaults need no check."""
STRINGS_PER_FIELD: Final = 2
"""A name and a value."""
QUERY: Final = "query"
MAX_QUERY_FIELDS: Final = 16
"""More fields than there are options; a longer query is not parsed to its end."""


class Batch(NamedTuple):
    """A parsed batch."""

    options: RankingOptions
    items: list[BatchItem]
    """The valid items."""
    errors: dict[int, RequestError]
    """Errors of the other items, by index."""


def parse_classify_request(body: bytes, limits: RequestLimits) -> ClassifyRequest:
    """Parse and check the JSON body of ``POST /classify``.

    Raises
    ------
    MalformedBodyError
        If the body is not JSON in UTF-8.
    InvalidRequestError
        If a field is missing, unknown or invalid.
    TooLargeError
        If text and title together exceed the limit.
    """
    if len(body) > SMALL_BYTES:
        max_strings = STRINGS_PER_FIELD * len(ClassifyRequest.model_fields)
        if exceeds_json_complexity(body, max_strings=max_strings, max_texts=1):
            raise unknown_fields(ClassifyRequest)
    try:
        request = ClassifyRequest.model_validate_json(body)
    except ValidationError as error:
        request = parse_again(ClassifyRequest, body, error)
    if request.model_fields_set - TEXT_FIELDS or limits.max_top_k < DEFAULT_TOP_K:
        limits.resolve_options(request)
    limits.check_text(request)
    return request


def parse_plain_text(body: bytes, limits: RequestLimits, *, query: bytes) -> ClassifyRequest:
    """Parse and check a plain text in UTF-8, whose options are in the percent-encoded query.

    Raises
    ------
    MalformedBodyError, InvalidRequestError, TooLargeError
        As `parse_classify_request`.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MalformedBodyError("Expected text in UTF-8.") from None
    options = _parse_query(query)
    request = ClassifyRequest.model_construct(text=text, **options.model_dump(exclude_unset=True))
    limits.resolve_options(request)
    limits.check_text(request)
    return request


def _parse_query(query: bytes) -> PlainTextOptions:
    try:
        given = parse_qsl(
            query.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS
        )
    except ValueError:
        raise unknown_fields(PlainTextOptions).at(QUERY) from None
    if len(values := dict(given)) < len(given):
        raise InvalidRequestError.of(QUERY, "Expected each option once")
    if unknown := [name for name in values if name not in PlainTextOptions.model_fields]:
        raise unknown_fields(PlainTextOptions, unknown).at(QUERY)
    try:
        return PlainTextOptions.model_validate_strings(values)
    except ValidationError as error:
        raise invalid_request(PlainTextOptions, error) from None


def parse_batch(body: bytes, limits: RequestLimits) -> Batch:
    """Parse and check the body of ``POST /classify/batch``.

    Raises
    ------
    MalformedBodyError, InvalidRequestError, TooLargeError
        As `parse_classify_request`. If no item is valid, the error of the first one.
    """
    request = parse_batch_request(body, limits)
    items: list[BatchItem] = []
    errors: dict[int, RequestError] = {}
    for index, item in enumerate(request.items):
        try:
            items.append(check_batch_item(item, limits, index))
        except RequestError as error:
            errors[index] = error
    if not items:
        raise errors[0]
    return Batch(request, items, errors)


def parse_batch_request(body: bytes, limits: RequestLimits) -> BatchRequest:
    """Parse and check the body of ``POST /classify/batch``, but not its items."""
    n_items = limits.max_batch_size
    n_fields = len(BatchRequest.model_fields) + n_items * len(BatchItem.model_fields)
    if exceeds_json_complexity(body, max_strings=STRINGS_PER_FIELD * n_fields, max_texts=n_items):
        fields = ", ".join(BatchItem.model_fields)
        message = f"Expected at most {n_items} items with no fields but {fields}"
        raise InvalidRequestError.of("items", message)
    request = parse_body(BatchRequest, body)
    if len(request.items) > n_items:
        raise InvalidRequestError.of("items", f"Input should have at most {n_items} items")
    limits.resolve_options(request, n_texts=len(request.items))
    return request


def check_batch_item(item: Any, limits: RequestLimits, number: int) -> BatchItem:
    """Check an item of a batch; an error names its place.

    Raises
    ------
    InvalidRequestError, TooLargeError
        As `parse_classify_request`.
    """
    place = f"items[{number}]"
    try:
        if isinstance(item, dict) and len(item) > MAX_ERRORS:
            raise unknown_fields(BatchItem)
        checked = BatchItem.model_validate(item)
        limits.check_text(checked)
    except ValidationError as error:
        raise invalid_request(BatchItem, error).at(place) from None
    except RequestError as error:
        raise error.at(place) from None
    return checked
