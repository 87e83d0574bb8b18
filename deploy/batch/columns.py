"""The columns of the output: those of the input, then those of the results."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

import pyarrow as pa

from deploy.batch.errors import BatchError
from service.model import Classification

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


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of columns.

    Attributes
    ----------
    text, title : str
        Columns to read; the input has at least one of them.
    prefix : str
        Stands before the name of each column of the results.
    """

    text: str
    title: str
    prefix: str = ""

    def output_schema(self, fields: Sequence[Any], metadata: dict[str, str]) -> Any:
        """Append the columns of the results to the fields of the input.

        Raises
        ------
        BatchError
            If two columns have the same name.
        """
        results = [pa.field(self.prefix + name, kind) for name, kind in RESULT_FIELDS.items()]
        counts = Counter(field.name for field in (*fields, *results))
        if taken := [name for name, count in counts.items() if count > 1]:
            raise BatchError(
                f"expected no column {', '.join(map(repr, taken))} in the input: "
                "results have that name; give them another one by --prefix"
            )
        return pa.schema([*fields, *results], metadata=metadata)


def result_arrays(results: Sequence[Classification | str]) -> list[Any]:
    """Convert results to columns.

    Parameters
    ----------
    results : sequence of Classification or str, of length n_rows
        A str is an error.

    Returns
    -------
    list of pyarrow.Array, each of length n_rows
        In the order of ``RESULT_FIELDS``.
    """
    found = [None if isinstance(result, str) else result for result in results]
    columns = {
        "topic": [item and item.topics[0].topic.code for item in found],
        "score": [item and item.topics[0].score for item in found],
        "known_words": [item and item.known_words_ratio for item in found],
        "abstained": [item and item.abstained and item.abstained.value for item in found],
        "no_topic": [item and item.no_topic for item in found],
        "error": [result if isinstance(result, str) else None for result in results],
    }
    arrays = {name: pa.array(values, RESULT_FIELDS[name]) for name, values in columns.items()}
    return [_rankings(found) if name == "topics" else arrays[name] for name in RESULT_FIELDS]


def _rankings(found: Sequence[Classification | None]) -> Any:
    """Concatenate the rankings, which is faster than a dict for each topic."""
    lengths = [len(item.topics) if item else 0 for item in found]
    ranked = [each for item in found if item for each in item.topics]
    kind = RESULT_FIELDS["topics"]
    values = pa.StructArray.from_arrays(
        [
            pa.array([each.topic.code for each in ranked], pa.string()),
            pa.array([each.score for each in ranked], pa.float32()),
        ],
        fields=list(kind.value_type),
    )
    offsets = pa.array(accumulate(lengths, initial=0), pa.int32())
    missing = pa.array([item is None for item in found], pa.bool_())
    return pa.ListArray.from_arrays(offsets, values, type=kind, mask=missing)
