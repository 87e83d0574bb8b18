"""Names, groups and descriptions of the Reuters topics, from `reuters_topics.json`."""

import json
from collections.abc import Iterable
from importlib.resources import files

from service.model import Topic


def describe_topics(codes: Iterable[str]) -> list[Topic]:
    """Return topics in the order of their class indices, without a count of newswires."""
    meanings = json.loads(files("training.data").joinpath("reuters_topics.json").read_bytes())
    return [
        Topic(index, code, **meanings[code], training_newswires=0)
        for index, code in enumerate(codes)
    ]
