"""The type of a column that is inferred from JSON, and the values that fit it."""

import json
from enum import Enum
from typing import Any, Self

import pyarrow as pa

_JSON = {b"newswire_topics.kind": b"json"}
"""Metadata of a field whose values are JSON."""
_INT64 = range(-(2**63), 2**63)


class JsonType(Enum):
    """Type of a column; lists, objects and mixed types are JSON in text."""

    BOOLEAN = pa.bool_()
    INTEGER = pa.int64()
    NUMBER = pa.float64()
    TEXT = pa.string()
    JSON = "JSON"

    def field(self, name: str) -> Any:
        """Return the field of a schema for a column of this type."""
        if self is JsonType.JSON:
            return pa.field(name, pa.string(), metadata=_JSON)
        return pa.field(name, self.value)

    @classmethod
    def of(cls, field: Any) -> Self:
        """Return the type of a field."""
        return cls("JSON" if field.metadata == _JSON else field.type)

    def fit(self, value: Any) -> tuple[bool, Any]:
        """Return whether a value fits without loss, and what to store: null if it does not."""
        if value is None:
            return True, None
        if self is JsonType.JSON:
            return True, json.dumps(value, ensure_ascii=False)
        kind = type(value)
        if self is JsonType.TEXT:
            fits = kind is str
        elif self is JsonType.BOOLEAN:
            fits = kind is bool
        elif self is JsonType.INTEGER:
            fits = kind is int and value in _INT64
        else:
            fits = kind is float or (kind is int and abs(value) <= 2**53)
        return fits, value if fits else None


def common_type(kinds: set[type]) -> JsonType:
    """Return the type of a column with values of these Python types."""
    kinds = kinds - {type(None)}
    if kinds <= {str}:
        return JsonType.TEXT
    if kinds == {bool}:
        return JsonType.BOOLEAN
    if kinds == {int}:
        return JsonType.INTEGER
    return JsonType.NUMBER if kinds <= {int, float} else JsonType.JSON
