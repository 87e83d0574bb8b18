"""The columns of the output: those of the input, then those of the results."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import pyarrow as pa

from service.model import Classification
from service.rows import CommandError

RESULT_FIELDS: Final = {
    "topic": pa.string(),
    "score": pa.float32(),
    "topics": pa.list_(pa.struct([("topic", pa.string()), ("score", pa.float32())])),
    "known_words": pa.float64(),
    "abstained": pa.string(),
    "no_topic": pa.float32(),
    "error": pa.string(),
}
"""Name and type of each column of the results, as in a response of the service; all nullable."""


class Columns(NamedTuple):
    """Names of the columns to read, of which the input has at least one, and of the results."""

    text: str
    title: str
    prefix: str
    """Stands before the name of each column of the results."""


def output_schema(fields: Sequence[Any], prefix: str) -> Any:
    """Append the columns of the results to the fields of the input.

    Raises
    ------
    CommandError
        If two columns have the same name.
    """
    fields = [*fields, *(pa.field(prefix + name, kind) for name, kind in RESULT_FIELDS.items())]
    counts = Counter(field.name for field in fields)
    if taken := [name for name, count in counts.items() if count > 1]:
        raise CommandError(
            f"expected no column {', '.join(map(repr, taken))} in the input: "
            "results have that name; give them another one by --prefix"
        )
    return pa.schema(fields)


def result_arrays(results: Sequence[Classification | str]) -> list[Any]:
    """Convert results, of which a str is an error, to arrays in the order of ``RESULT_FIELDS``."""
    found = [None if isinstance(result, str) else result for result in results]
    columns = {
        "topic": [item and item.topics[0].topic.code for item in found],
        "score": [item and item.topics[0].score for item in found],
        # tuples are converted faster than dicts
        "topics": [
            item and [(each.topic.code, each.score) for each in item.topics] for item in found
        ],
        "known_words": [item and item.known_words_ratio for item in found],
        "abstained": [item and item.abstained and item.abstained.value for item in found],
        "no_topic": [item and item.no_topic for item in found],
        "error": [result if isinstance(result, str) else None for result in results],
    }
    return [pa.array(columns[name], kind) for name, kind in RESULT_FIELDS.items()]
