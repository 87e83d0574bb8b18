"""From a request's body to a validated request: parsed and checked once."""

import json
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from service.api.json_complexity import has_more_structure
from service.api.problems import (
    InvalidRequestError,
    MalformedBodyError,
    TooLargeError,
)
from service.api.schemas import (
    BatchItem,
    BatchRequest,
    ClassifyRequest,
    FieldProblem,
    RankingOptions,
)
from service.api.validation_errors import MAX_ERRORS, invalid_request, unknown_fields
from service.model import describe_blank, is_blank
from service.model.strict_json import replace_surrogates
from service.model.tokenization import NEWS_TOKENIZER

JSON: Final = "application/json"
PLAIN_TEXT: Final = "text/plain"
JSON_INVALID: Final = "json_invalid"
"""Pydantic's name for a body that is not JSON."""
STRINGS_A_FIELD: Final = 2
"""Its name, and its value."""

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a request may ask for.

    Attributes
    ----------
    max_text_bytes : int
        Of a text and its title together, in UTF-8; a body may be as long as one such text.
    max_text_words : int
        Of a text and its title together.
    max_batch_size : int
    max_explained_words : int
        In all texts of a request together: to explain takes the square of their number.
    max_top_k : int
        How many topics there are.
    """

    max_text_bytes: int
    max_text_words: int
    max_batch_size: int
    max_explained_words: int
    max_top_k: int


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
    most_strings = STRINGS_A_FIELD * len(ClassifyRequest.model_fields)
    if has_more_structure(body, most_strings=most_strings, most_texts=1):
        raise unknown_fields(ClassifyRequest)
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
    n_items = limits.max_batch_size
    n_fields = len(BatchRequest.model_fields) + n_items * len(BatchItem.model_fields)
    if has_more_structure(body, most_strings=STRINGS_A_FIELD * n_fields, most_texts=n_items):
        fields = ", ".join(BatchItem.model_fields)
        message = f"Expected at most {n_items} items with no fields but {fields}"
        raise InvalidRequestError([FieldProblem(field="items", message=message)])
    request = parse_body(BatchRequest, body)
    check_options(request, limits)
    if len(request.items) > limits.max_batch_size:
        message = f"Input should have at most {limits.max_batch_size} items"
        raise InvalidRequestError([FieldProblem(field="items", message=message)])
    return request


def check_batch_item(item: Any, limits: Limits, number: int) -> BatchItem:
    """Check an item of a batch; what is wrong is said of its place.

    Raises
    ------
    InvalidRequestError, TooLargeError
        As `parse_classify_request`.
    """
    place = f"items[{number}]"
    if isinstance(item, dict) and len(item) > MAX_ERRORS:
        raise unknown_fields(BatchItem, place=place)
    try:
        checked = BatchItem.model_validate(item)
        check_text(checked, limits)
    except ValidationError as error:
        raise invalid_request(BatchItem, error, place) from None
    except InvalidRequestError as error:
        problems = [
            FieldProblem(field=f"{place}.{problem.field}", message=problem.message)
            for problem in error.problems
        ]
        raise InvalidRequestError(problems) from None
    except TooLargeError as error:
        raise TooLargeError(f"{place}: {error}") from None
    return checked


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
        if reason := _why_no_json(error):
            raise MalformedBodyError(f"Expected JSON in UTF-8. {reason}.") from None
        raise invalid_request(model, error) from None


def _validate(model: type[Model], body: bytes) -> Model:
    """Parse a request, also where pydantic's parser is stricter than JSON.

    It refuses a byte order mark, and half of a surrogate pair, which is what is left of an emoji
    where a program cut a text to length; here it counts as a question mark.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        if not _why_no_json(error):
            raise
        try:
            value = json.loads(body.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            raise error from None
        repaired = replace_surrogates(json.dumps(value, ensure_ascii=False))
        return model.model_validate_json(repaired)


def _why_no_json(error: ValidationError) -> str:
    """Return why a body is not JSON, or nothing if it is: then something else is wrong with it."""
    if error.error_count() > 1:
        return ""
    (only,) = error.errors(include_url=False, include_context=False, include_input=False)
    return only["msg"] if only["type"] == JSON_INVALID else ""


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
    if is_blank(item.text, item.title):
        message = describe_blank(item.text, item.title).capitalize()
        fields = BatchItem.model_fields
        raise InvalidRequestError([FieldProblem(field=name, message=message) for name in fields])
    text, title = item.text or "", item.title or ""
    if _size(text) + _size(title) > limits.max_text_bytes:
        raise TooLargeError(too_large(limits))
    if len(text) + len(title) <= limits.max_text_words:
        return  # a word has at least one character
    n_words = sum(len(NEWS_TOKENIZER.tokenize(part)) for part in (text, title))
    if n_words > limits.max_text_words:
        raise TooLargeError(f"Expected at most {limits.max_text_words} words, title included.")


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def too_large(limits: Limits) -> str:
    """Say how long a text may be."""
    return f"Expected at most {limits.max_text_bytes} bytes of text, title included, in UTF-8."
