"""From a request's body to a validated request: parsed and checked once."""

import json
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from service.api.json_complexity import SMALL_BYTES, exceeds_json_complexity
from service.api.problems import (
    InvalidRequestError,
    MalformedBodyError,
    RequestError,
    TooLargeError,
)
from service.api.schemas import (
    BatchItem,
    BatchRequest,
    ClassifyRequest,
    FieldProblem,
    PlainTextOptions,
    RankingOptions,
)
from service.api.json_body import MAX_ERRORS, invalid_request, unknown_fields
from service.model import DEFAULT_TOP_K, describe_blank
from service.model.strict_json import replace_surrogates
from service.model.tokenization import NEWS_TOKENIZER

JSON_INVALID: Final = "json_invalid"
"""Pydantic's name for a body that is not JSON."""
TEXT_FIELDS: Final = frozenset(BatchItem.model_fields)
"""Of a request; the others are options, whose defaults need no check."""
STRINGS_PER_FIELD: Final = 2
"""Its name, and its value."""
MAX_QUERY_FIELDS: Final = 16
"""More than there are options; a longer query is not parsed to its end."""
MAX_UTF8_BYTES: Final = 4
"""Of a character."""
MAX_RANKED_TOPICS: Final = 2**15
"""In the response to a request, of all its texts together: each takes some 500 bytes of memory.
The same number may be among all topics of the texts."""

NOT_ALL_TOPICS: Final = (
    "Expected false or no all_topics: the model has no output topic_probabilities. Leave it out, "
    "or serve a bundle with all_topics_thresholds in GET /model, as the recipe linear trains it"
)
NO_SUBJECTS: Final = (
    "Expected false or no subjects: no topic of the model has any in GET /topics. Leave it out, or "
    "serve a bundle whose topics have subjects"
)

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """How much a request may ask for."""

    max_text_bytes: int
    """Of a text and its title together, in UTF-8; a body may be as long as one such text."""
    max_text_words: int
    """Of a text and its title together."""
    max_batch_size: int
    max_explained_words: int
    """In all texts of a request: an explanation takes the square of their number."""
    max_top_k: int
    """Number of topics of the model."""
    finds_all_topics: bool = False
    """Whether the model can find all topics of a text."""
    has_subjects: bool = False
    """Whether topics of the model have subjects."""


class Batch(NamedTuple):
    """A parsed batch."""

    options: RankingOptions
    items: list[BatchItem]
    """The valid ones."""
    errors: dict[int, RequestError]
    """Of the others, by index."""


def parse_classify_request(body: bytes, limits: RequestLimits) -> ClassifyRequest:
    """Parse and check the JSON body of ``POST /classify``.

    Raises
    ------
    MalformedBodyError
        If the body is not JSON in UTF-8.
    InvalidRequestError
        If it is not the expected request.
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
        request = _parse_again(ClassifyRequest, body, error)
    if request.model_fields_set - TEXT_FIELDS or limits.max_top_k < DEFAULT_TOP_K:
        check_options(request, limits)
    check_text(request, limits)
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
    check_options(request, limits)
    check_text(request, limits)
    return request


def _parse_query(query: bytes) -> PlainTextOptions:
    try:
        given = parse_qsl(
            query.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS
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
        raise InvalidRequestError([FieldProblem(field="items", message=message)])
    request = parse_body(BatchRequest, body)
    if len(request.items) > limits.max_batch_size:
        message = f"Input should have at most {limits.max_batch_size} items"
        raise InvalidRequestError([FieldProblem(field="items", message=message)])
    check_options(request, limits, n_texts=len(request.items))
    return request


def check_batch_item(item: Any, limits: RequestLimits, number: int) -> BatchItem:
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
    """Parse and validate JSON.

    Raises
    ------
    MalformedBodyError, InvalidRequestError
        As `parse_classify_request`.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        return _parse_again(model, body, error)


def _parse_again(model: type[Model], body: bytes, error: ValidationError) -> Model:
    """Parse a body again if pydantic was too strict, or raise an error of `parse_body`."""
    if not _why_no_json(error):
        raise invalid_request(model, error) from None
    try:
        return model.model_validate_json(_repair(body))
    except ValidationError as error:
        if reason := _why_no_json(error):
            raise MalformedBodyError(f"Expected JSON in UTF-8. {reason}.") from None
        raise invalid_request(model, error) from None


def _repair(body: bytes) -> bytes | str:
    """Return JSON that pydantic's parser accepts, where it is stricter than JSON.

    It rejects a byte order mark, and half of a surrogate pair, which is left of an emoji where a
    program cut a text to length; that becomes a question mark.
    """
    try:
        value = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return body
    return replace_surrogates(json.dumps(value, ensure_ascii=False))


def _why_no_json(error: ValidationError) -> str:
    """Return why a body is not JSON, or nothing if it is: then something else is wrong with it."""
    if error.error_count() > 1:
        return ""
    (only,) = error.errors(include_url=False, include_context=False, include_input=False)
    return only["msg"] if only["type"] == JSON_INVALID else ""


def check_options(options: RankingOptions, limits: RequestLimits, *, n_texts: int = 1) -> None:
    """Raise InvalidRequestError for more topics than there are, or ``MAX_RANKED_TOPICS`` in all.

    The default is limited to the number of topics. Raise it also for all topics of a model that
    cannot find them, and for subjects of one that has none.
    """
    if options.all_topics and not limits.finds_all_topics:
        raise InvalidRequestError([FieldProblem(field="all_topics", message=NOT_ALL_TOPICS)])
    if options.subjects and not limits.has_subjects:
        raise InvalidRequestError([FieldProblem(field="subjects", message=NO_SUBJECTS)])
    if "top_k" not in options.model_fields_set:
        options.top_k = min(options.top_k, limits.max_top_k)
        return
    message = ""
    if options.top_k > limits.max_top_k:
        message = f"Input should be less than or equal to {limits.max_top_k}"
    elif options.top_k * n_texts > MAX_RANKED_TOPICS:
        highest = MAX_RANKED_TOPICS // n_texts
        message = f"Input should be less than or equal to {highest} for {n_texts} texts"
    if message:
        raise InvalidRequestError([FieldProblem(field="top_k", message=message)])


def check_text(item: BatchItem, limits: RequestLimits) -> None:
    """Check that a text is not blank, and within the limits.

    Raises
    ------
    InvalidRequestError, TooLargeError
        As `parse_classify_request`.
    """
    text, title = item.text or "", item.title or ""
    if not text.strip() and not title.strip():
        message = describe_blank(item.text, item.title).capitalize()
        fields = BatchItem.model_fields
        raise InvalidRequestError([FieldProblem(field=name, message=message) for name in fields])
    n_characters = len(text) + len(title)
    if (
        n_characters * MAX_UTF8_BYTES > limits.max_text_bytes
        and len(text.encode()) + len(title.encode()) > limits.max_text_bytes
    ):
        raise TooLargeError(too_large(limits))
    if n_characters <= limits.max_text_words:
        return  # a word has at least one character
    n_words = sum(len(NEWS_TOKENIZER.tokenize(part)) for part in (text, title))
    if n_words > limits.max_text_words:
        raise TooLargeError(f"Expected at most {limits.max_text_words} words, title included.")


def too_large(limits: RequestLimits) -> str:
    """Return the sentence for a text over the limit."""
    return f"Expected at most {limits.max_text_bytes} bytes of text, title included, in UTF-8."
