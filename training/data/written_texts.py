"""Training texts written for the project, in `written_texts.jsonl`.

Headlines and short reports of 1995 to 2025, with topics and without, and everyday sentences with
words of the topics in other senses. None is of a newspaper or of a set that is measured on.
"""

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import NamedTuple

from service.model import NewsText


class WrittenText(NamedTuple):
    """A training text that is no newswire."""

    text: NewsText
    topics: tuple[str, ...]  # codes, the primary one first; empty if none fits
    everyday: bool = False  # whether it is no news


def read_written_texts() -> Sequence[WrittenText]:
    """Return the written texts in the order of their file."""
    lines = files("training.data").joinpath("written_texts.jsonl").read_text("utf-8").splitlines()
    return [
        WrittenText(NewsText(row["text"], row["title"]), tuple(row["topics"]), row["everyday"])
        for row in map(json.loads, lines)
    ]
