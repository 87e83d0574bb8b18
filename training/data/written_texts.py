"""Texts that were written for the project: today's words, and words of the topics in other senses.

`written_texts.jsonl` has headlines and short reports of 1995 to 2025, with topics and without, and
everyday sentences. None is of a newspaper, and none is in a set that anything is measured on.
"""

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Final, NamedTuple

from service.model import NewsText

FILE: Final = "written_texts.jsonl"


class WrittenText(NamedTuple):
    """A text to learn from that is no newswire."""

    text: NewsText
    topics: tuple[str, ...]
    """Codes of its topics, the primary one first; empty if none fits."""
    everyday: bool = False
    """Whether it is no news: words of the topics in other senses."""


def read_written_texts() -> Sequence[WrittenText]:
    """Return the written texts in the order of their file."""
    lines = files("training.data").joinpath(FILE).read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [
        WrittenText(NewsText(row["text"], row["title"]), tuple(row["topics"]), row["everyday"])
        for row in rows
    ]
