"""Golden cases: texts of our own, and what the trained network answers to them.

They travel in the bundle, and the service replays them before it is ready. The texts cover many
topics, with and without a title, words that no vocabulary holds, other scripts, and no word at all.
"""

import json
from collections.abc import Sequence
from importlib.resources import files

from service.model import Golden
from training.recipes import TrainedModel


def make_goldens(network: TrainedModel) -> Sequence[Golden]:
    """Ask the trained network itself, not its export, about each golden text."""
    cases = json.loads(files("training.release").joinpath("golden_texts.json").read_bytes())
    token_ids = [network.encoder.token_ids(case["text"], case["title"]) for case in cases]
    return [
        Golden(case["title"], case["text"], ids, [float(p) for p in probabilities])
        for case, ids, probabilities in zip(
            cases, token_ids, network.predict(token_ids), strict=True
        )
    ]
