"""Columns of the results, which the output has after those of the input."""

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

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
"""Name and type of each column, as in a response of the service; all nullable."""


def result_arrays(results: Sequence[Classification | str]) -> list[Any]:
    """Convert results, of which a str is an error, to arrays in the order of ``RESULT_FIELDS``."""
    found = [None if isinstance(result, str) else result for result in results]
    # pairs are converted faster than dicts
    rankings = [item and [(each.topic.code, each.score) for each in item.topics] for item in found]
    columns = {
        "topic": [ranking and ranking[0][0] for ranking in rankings],
        "score": [ranking and ranking[0][1] for ranking in rankings],
        "topics": rankings,
        "known_words": [item and item.known_words_ratio for item in found],
        "abstained": [item and item.abstained and item.abstained.value for item in found],
        "no_topic": [item and item.no_topic for item in found],
        "error": [result if isinstance(result, str) else None for result in results],
    }
    return [pa.array(columns[name], kind) for name, kind in RESULT_FIELDS.items()]
