"""The columns of the output: those of the input, and after them the answer's."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

import pyarrow as pa

from deploy.batch.errors import BatchError
from service.model import Classification

ANSWER_FIELDS: Final = {
    "topic": pa.string(),
    "score": pa.float32(),
    "topics": pa.list_(pa.struct([("topic", pa.string()), ("score", pa.float32())])),
    "known_words": pa.float64(),
    "abstained": pa.string(),
    "no_topic": pa.float32(),
    "error": pa.string(),
}
"""Name and type of each column of the answer, as the service names them; all may be null."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns are read and how those of the answer are called.

    Attributes
    ----------
    text : str
        Column of the text.
    title : str
        Column of the title. The input has one of both, or both.
    prefix : str
        Stands before the name of each column of the answer.
    """

    text: str
    title: str
    prefix: str = ""

    def output_schema(self, fields: Sequence[Any], metadata: dict[str, str]) -> Any:
        """Append the columns of the answer to those of the input.

        Raises
        ------
        BatchError
            If a name would be there twice.
        """
        names = [self.prefix + name for name in ANSWER_FIELDS]
        counts = Counter([*(field.name for field in fields), *names])
        if taken := [name for name, count in counts.items() if count > 1]:
            raise BatchError(
                f"expected no column {', '.join(map(repr, taken))} in the input, "
                "since the answer's are called so: give these another name by --prefix"
            )
        answer = [
            pa.field(name, kind) for name, kind in zip(names, ANSWER_FIELDS.values(), strict=True)
        ]
        return pa.schema([*fields, *answer], metadata=metadata)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer for one row: a classification, or else what was expected of the row."""

    classification: Classification | None
    error: str | None = None


def answer_arrays(answers: Sequence[Answer]) -> list[Any]:
    """Lay answers out in columns.

    Parameters
    ----------
    answers : sequence of Answer, of length n_rows

    Returns
    -------
    list of pyarrow.Array, each of length n_rows
        In the order of ``ANSWER_FIELDS``.
    """
    found = [answer.classification for answer in answers]
    columns = {
        "topic": [item and item.topics[0].topic.code for item in found],
        "score": [item and item.topics[0].score for item in found],
        "known_words": [item and item.known_words_ratio for item in found],
        "abstained": [item and item.abstained and item.abstained.value for item in found],
        "no_topic": [item and item.no_topic for item in found],
        "error": [answer.error for answer in answers],
    }
    arrays = {name: pa.array(values, ANSWER_FIELDS[name]) for name, values in columns.items()}
    arrays["topics"] = _topics(found)
    return [arrays[name] for name in ANSWER_FIELDS]


def _topics(found: Sequence[Classification | None]) -> Any:
    """Lay rankings out end to end, which is faster than a dict for each topic."""
    lengths = [len(item.topics) if item else 0 for item in found]
    ranked = [each for item in found if item for each in item.topics]
    kind = ANSWER_FIELDS["topics"]
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
