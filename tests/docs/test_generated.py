"""How code becomes Markdown."""

from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from tests.conftest import LATEST
from tests.docs import quality
from tests.docs.api import sections
from tests.docs.markdown import table
from tests.docs.records import Field, fields
from tests.docs.values import describe_schema


@dataclass
class Record:
    kind: ClassVar[str] = "record"
    name: str  # of ``it``
    size: int | None = None
    """Its size.

    In bytes.
    """
    parts: dict[str, int] = field(default_factory=dict)


def test_fields_of_a_record() -> None:
    assert fields(Record) == [
        Field("name", "str", "", "Of `it`."),
        Field("size", "int | None", "None", "Its size. In bytes."),
        Field("parts", "dict[str, int]", "{}", ""),
    ]


def test_columns_without_text_are_left_out() -> None:
    assert table(("a", "b", "c"), [("1", "", "x|y"), ("", "", "z")]) == (
        "| a | c |\n|---|---|\n| 1 | x\\|y |\n| | z |\n"
    )


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 65535}, "integer, 1 to 65,535"),
        ({"type": "number", "exclusiveMinimum": 0}, "number, above 0"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null"),
        ({"type": "array", "items": {"$ref": "#/$defs/Topic"}}, "array of object `Topic`"),
        ({"enum": ["a", "b"], "type": "string"}, "one of `a`, `b`"),
        ({}, "any"),
    ],
)
def test_schemas_in_words(schema: dict[str, object], words: str) -> None:
    assert describe_schema(schema) == words


def test_docstrings_of_numpy() -> None:
    section = sections("TopicClassifier")
    assert section.startswith("\n### TopicClassifier\n\n```python\nclass TopicClassifier(bundle:")
    assert (
        "*Parameters*\n\n- `texts` (sequence of str or NewsText, of length n_texts): A" in section
    )
    assert "*Raises*\n\n- `InferenceError`: If the network's output" in section


def test_short_table_of_quality() -> None:
    table = quality.short_table()
    assert f"`models/reuters/{LATEST.name}`" in table
    assert table.count("\n| ") == 1 + len(quality.VIEWS)
