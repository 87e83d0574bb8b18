"""The columns of the results, as in a response of the service; all are nullable."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from service.model import Classification
from service.model.ranking import RankedTopic
from service.rows import PredictionOptions


def _pairs(topics: Sequence[RankedTopic]) -> list[tuple[str, float]]:
    """Return pairs, which are converted faster than dicts."""
    return [(ranked.topic.code, ranked.score) for ranked in topics]


ERROR: Final = "error"  # column of the rows that have no prediction
TOPICS: Final = pa.list_(pa.struct([("topic", pa.string()), ("score", pa.float32())]))
SUBJECT: Final = pa.struct(
    [
        *((name, pa.string()) for name in ("uri", "name", "rel", "creator")),
        ("confidence", pa.int8()),
    ]
)
COLUMNS: Final[Mapping[str, tuple[Any, Callable[[Classification], Any]]]] = {
    "topic": (pa.string(), lambda item: item.topics[0].topic.code),
    "score": (pa.float32(), lambda item: item.topics[0].score),
    "topics": (TOPICS, lambda item: _pairs(item.topics)),
    "known_words": (pa.float64(), lambda item: item.known_words_ratio),
    "abstained": (pa.string(), lambda item: item.abstained and item.abstained.value),
    "no_topic": (pa.float32(), lambda item: item.no_topic),
    ERROR: (pa.string(), lambda _: None),
    "all_topics": (TOPICS, lambda item: _pairs(item.all_topics or ())),
    "subjects": (pa.list_(SUBJECT), lambda item: item.subjects or []),
}
"""Type and value of each column."""


def result_fields(options: PredictionOptions) -> dict[str, Any]:
    """Return name and type of each column; those with the name of an option only if it is set."""
    return {name: kind for name, (kind, _) in COLUMNS.items() if getattr(options, name, True)}


def result_arrays(results: Sequence[Classification | str], options: PredictionOptions) -> list[Any]:
    """Convert results (a str is an error) to arrays in the order of `result_fields`."""

    def cell(name: str, result: Classification | str) -> Any:
        if isinstance(result, str):
            return result if name == ERROR else None
        return COLUMNS[name][1](result)

    return [
        pa.array([cell(name, result) for result in results], kind)
        for name, kind in result_fields(options).items()
    ]
