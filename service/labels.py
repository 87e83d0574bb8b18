"""Labels of texts in files: codes or names of topics."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from service.model import Topic
from service.model.strict_json import replace_surrogates

SEPARATOR: Final = "|"  # between the labels in a string
MAX_SHOWN: Final = 100  # characters of a value in an error message


def codes_by_label(topics: Sequence[Topic]) -> dict[str, str]:
    """Return the code of each topic, by the code itself and by its name, if that is unique."""
    names = Counter(topic.name for topic in topics)
    named = {topic.name: topic.code for topic in topics if names[topic.name] == 1}
    return named | {topic.code: topic.code for topic in topics}


def to_labels(value: object, field: str) -> tuple[str, ...]:
    """Return the labels of a list, or of a string such as ``a|b`` or a JSON array, each once.

    Raises ValueError, with the name of the field in the message.
    """
    if isinstance(value, str):
        text = value.strip()
        value = _parse_array(text, field) if text.startswith("[") else text.split(SEPARATOR)
    elif isinstance(value, int) and not isinstance(value, bool):
        value = [value]
    if not isinstance(value, list):
        raise ValueError(  # noqa: TRY004 - not a wrong type of the caller, but a bad row
            f"{field}: expected a list or a string (empty if no topic fits), "
            f"got {show_value(value)}"
        )
    names = (to_name(item, field).strip() for item in value)
    return tuple(dict.fromkeys(name for name in names if name))


def _parse_array(text: str, field: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"{field}: expected a|b or a JSON array, got {show_value(text)}") from None


def to_name(value: object, field: str) -> str:
    """Return a name, which may be a number, or raise ValueError."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{field}: expected a string, got {show_value(value)}")  # noqa: TRY004
    return replace_surrogates(str(value))


def show_value(value: object) -> str:
    """Return a value for an error message."""
    if isinstance(value, list | dict):
        return "an array" if isinstance(value, list) else "an object"
    shown = "null" if value is None else repr(value)
    return shown if len(shown) <= MAX_SHOWN else f"{shown[:MAX_SHOWN]}..."
