"""A minimal bundle of three topics and a few words.

"oil" is crude, "18" is earn, "rose" is none of the topics, and "oil rose" is as likely crude as
none.
"""

from pathlib import Path
from typing import Final

import numpy as np

from service.model import Topic
from service.model.field_encoder import FieldEncoder
from tests.bundle_of_weights import save_bundle_of_weights

CODES: Final = ("crude", "earn", "wheat")
GROUPS: Final = ("Commodities", "Companies", "Commodities")
VOCABULARY: Final = {"oil": 4, "rose": 5, "#2": 6, "title:oil": 7, "lead:rose": 8}
TEXTS: Final = (("Oil", "Prices rose 18."), (None, "Oil rose"))
WEIGHTS: Final = {"oil": (3, 0, 0, 0), "rose": (0, 0, 0, 3), "#2": (0, 2, 0, 0)}
TOPIC_MIN_CONFIDENCE: Final = {"crude": 0.6}


def save_small_bundle(folder: Path) -> None:
    """Write the bundle."""
    weights = np.zeros((1 + max(VOCABULARY.values()), len(CODES) + 1), dtype=np.float32)
    for word, row in WEIGHTS.items():
        weights[VOCABULARY[word]] = row
    save_bundle_of_weights(
        folder,
        FieldEncoder(VOCABULARY),
        weights,
        [
            Topic(number, code, code.title(), group, f"About {code}.", 1)
            for number, (code, group) in enumerate(zip(CODES, GROUPS, strict=True))
        ],
        TEXTS,
        name="small",
        min_known_words_ratio=0.1,
        min_confidence=0.2,
        topic_min_confidence=TOPIC_MIN_CONFIDENCE,
    )
