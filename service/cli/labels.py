"""Labels of a text in JSON lines: the topics that it has."""

from collections.abc import Mapping
from typing import Any, Final

from service.rows import JSON_TYPES, CommandError

LABEL_KEYS: Final = ("topics", "topic", "labels", "label")
"""The first of them that an object has, and that is not null, has its labels."""
SEPARATOR: Final = "|"


def find_labels(value: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the labels of a text, codes or names of topics; none for a text of none of the topics.

    None is an object without labels. Raises CommandError unless they are a list of strings, or a
    string of labels that are separated by ``|``.

    >>> find_labels({"topics": ["crude", "ship"]}), find_labels({"label": "crude|ship"})
    (('crude', 'ship'), ('crude', 'ship'))
    >>> find_labels({"topics": []}), find_labels({"topics": None})
    ((), None)
    """
    key = next((key for key in LABEL_KEYS if value.get(key) is not None), None)
    if key is None:
        return None
    labels = value[key]
    if isinstance(labels, str):
        labels = labels.split(SEPARATOR)
    elif not isinstance(labels, list):
        raise CommandError(f"{key}: expected a list or a string, got {JSON_TYPES[type(labels)]}")
    for label in labels:
        if not isinstance(label, str):
            raise CommandError(f"{key}: expected a list of strings, got {JSON_TYPES[type(label)]}")
    return tuple(filter(None, map(str.strip, labels)))
