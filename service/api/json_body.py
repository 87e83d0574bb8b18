"""Parses JSON bodies; errors name the field, what was expected and what was received.

Errors repeat only the names of unknown fields, shortened and escaped.
"""

import json
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from service.api.errors import BODY, FieldProblem, InvalidRequestError, MalformedBodyError
from service.model.strict_json import replace_surrogates

MAX_ERRORS: Final = 64
"""Errors that are described one by one: only a request full of unknown fields has more."""
MAX_NAMED: Final = 3  # unknown fields that an error names
MAX_NAME_CHARACTERS: Final = 40
NO_OBJECT: Final = frozenset({"model_type", "model_attributes_type"})
UNKNOWN: Final = "extra_forbidden"
JSON_INVALID: Final = "json_invalid"
"""Pydantic's type of the error for a body that is not JSON."""

Model = TypeVar("Model", bound=BaseModel)


def invalid_request(model: type[BaseModel], error: ValidationError) -> InvalidRequestError:
    """Return the error of an object that does not match a model, with a message for each field."""
    if error.error_count() > MAX_ERRORS:
        return unknown_fields(model)
    details = error.errors(include_url=False, include_context=False, include_input=False)
    problems = [_problem(model, item) for item in details if item["type"] != UNKNOWN]
    unknown: dict[tuple[int | str, ...], list[str]] = {}  # names, by the object that has them
    for item in details:
        if item["type"] == UNKNOWN:
            unknown.setdefault(item["loc"][:-1], []).append(str(item["loc"][-1]))
    for parents, names in unknown.items():
        inner = unknown_fields(_model_at(model, parents), names)
        problems += inner.at(_path(parents)).problems
    return InvalidRequestError(problems)


def unknown_fields(model: type[BaseModel], names: Sequence[str] = ()) -> InvalidRequestError:
    """Return the error of an object with fields that a model does not have; ``names`` if known."""
    message = f"Expected no other fields than {', '.join(model.model_fields)}"
    if names:
        shown = ", ".join(_show(name, [*model.model_fields]) for name in names[:MAX_NAMED])
        more = len(names) - MAX_NAMED
        message += f", got {shown}" + (f" and {more} more" if more > 0 else "")
    return InvalidRequestError.of(BODY, message)


def _show(name: str, known: Sequence[str]) -> str:
    """Return a name that a client sent, shortened and in ASCII, and the known name most like it."""
    near = get_close_matches(name[:MAX_NAME_CHARACTERS].lower(), known, n=1)
    if len(name) > MAX_NAME_CHARACTERS:
        name = name[:MAX_NAME_CHARACTERS] + "..."
    return json.dumps(name) + (f' (did you mean "{near[0]}"?)' if near else "")


def _problem(model: type[BaseModel], detail: ErrorDetails) -> FieldProblem:
    message = detail["msg"]
    if detail["type"] in NO_OBJECT:
        message = "Expected an object"
        if not detail["loc"]:
            fields = model.model_fields
            required = [name for name, field in fields.items() if field.is_required()]
            message += f' with "{(required or [*fields])[0]}"'
    return FieldProblem(field=_path(detail["loc"]), message=message)


def _path(parts: Sequence[int | str]) -> str:
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path or BODY


def _model_at(model: type[BaseModel], parts: Sequence[int | str]) -> type[BaseModel]:
    """Return the model of a nested object; ``parts`` are fields, which may be optional."""
    for part in parts:
        annotation = model.model_fields[str(part)].annotation
        model = next(
            each
            for each in (annotation, *get_args(annotation))
            if isinstance(each, type) and issubclass(each, BaseModel)
        )
    return model


def parse_body(model: type[Model], body: bytes) -> Model:
    """Parse and validate JSON, or raise MalformedBodyError or InvalidRequestError."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        return parse_again(model, body, error)


def parse_again(model: type[Model], body: bytes, error: ValidationError) -> Model:
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
    """Return JSON for pydantic's parser, which is stricter than JSON.

    The parser rejects a byte order mark, and half of a surrogate pair, as is left of an emoji where
    a program cut a text to length. The half becomes a question mark.
    """
    try:
        value = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return body
    return replace_surrogates(json.dumps(value, ensure_ascii=False))


def _why_no_json(error: ValidationError) -> str:
    """Return why a body is not JSON; empty if it is, with another error."""
    if error.error_count() > 1:
        return ""
    (only,) = error.errors(include_url=False, include_context=False, include_input=False)
    return only["msg"] if only["type"] == JSON_INVALID else ""
