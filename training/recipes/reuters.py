"""Additions to the newswires for Reuters' topics: texts written for the project, and synonyms.

They apply only where the data set has all of these topics: the words and the texts without a topic
would be wrong for other topics.
"""

import json
from collections.abc import Collection, Sequence
from importlib.resources import files
from typing import NamedTuple

from service.model import NewsText
from training.data.reuters_expected import TOPIC_CODES


class WrittenText(NamedTuple):
    """A training text written for the project: from no newswire, newspaper or evaluation set."""

    text: NewsText
    topics: tuple[str, ...]  # codes, the primary one first; empty if none fits
    everyday: bool = False  # whether it is no news


def has_reuters_topics(topic_codes: Collection[str]) -> bool:
    """Return whether all of Reuters' topics are among some topics."""
    return set(TOPIC_CODES) <= set(topic_codes)


def read_written_texts() -> list[WrittenText]:
    """Return the texts of 1995 to 2025 that were written for the project, in a fixed order."""
    lines = files("training.data").joinpath("written_texts.jsonl").read_text("utf-8").splitlines()
    return [
        WrittenText(NewsText(row["text"], row["title"]), tuple(row["topics"]), row["everyday"])
        for row in map(json.loads, lines)
    ]


def written_texts_for(topic_codes: Collection[str]) -> Sequence[WrittenText]:
    """Return the written texts for some topics, none without all of Reuters' topics.

    Beside further topics, news without a topic is left out: it may be about one of them.
    """
    if not has_reuters_topics(topic_codes):
        return []
    written = read_written_texts()
    if len(topic_codes) == len(TOPIC_CODES):
        return written
    return [item for item in written if item.topics or item.everyday]


def synonyms_for(topic_codes: Collection[str]) -> dict[str, list[str]]:
    """Return modern words, each with the words of 1987 that it stands for.

    Reviewed by hand, and chosen without the evaluation sets. None without all of Reuters'
    topics.
    """
    if not has_reuters_topics(topic_codes):
        return {}
    content = files("training.recipes").joinpath("synonyms.json").read_bytes()
    synonyms: dict[str, list[str]] = json.loads(content)
    return synonyms
