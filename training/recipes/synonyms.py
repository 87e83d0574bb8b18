"""Today's words, each with the words of 1987 that it stands for.

`synonyms.json` is reviewed by hand, and chosen by no set that anything is measured on.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Final

FILE: Final = "synonyms.json"


def read_synonyms() -> Mapping[str, Sequence[str]]:
    """Return, for each of today's words, the words that it stands for together."""
    synonyms: dict[str, list[str]] = json.loads(
        files("training.recipes").joinpath(FILE).read_bytes()
    )
    return synonyms
