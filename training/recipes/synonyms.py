"""Modern words, each with the words of 1987 that it stands for, in `synonyms.json`.

Reviewed by hand, and chosen without the sets that are measured on.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files


def read_synonyms() -> Mapping[str, Sequence[str]]:
    """Return the equivalents of each word."""
    content = files("training.recipes").joinpath("synonyms.json").read_bytes()
    synonyms: dict[str, list[str]] = json.loads(content)
    return synonyms
