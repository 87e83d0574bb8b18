"""Goldens: texts of our own with the trained model's predictions, which the service verifies.

The texts have many topics, with and without a title, unknown words, other scripts, and no word.
"""

import json
from collections.abc import Sequence
from importlib.resources import files

from service.model import Golden
from training.recipes import TrainedModel


def make_goldens(model: TrainedModel) -> Sequence[Golden]:
    """Predict each golden text with the trained model itself, not its export."""
    cases = json.loads(files("training.release").joinpath("golden_texts.json").read_bytes())
    token_ids = [model.encoder.token_ids(case["text"], case["title"]) for case in cases]
    return [
        Golden(case["title"], case["text"], ids, [float(p) for p in probabilities])
        for case, ids, probabilities in zip(cases, token_ids, model.predict(token_ids), strict=True)
    ]
