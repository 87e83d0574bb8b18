"""Golden cases: texts of our own, and what the trained network answers to them.

They travel in the bundle, and the service replays them before it is ready. The texts cover many
topics, with and without a title, words that no vocabulary holds, other scripts, and no word at all.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files

from service.model import Golden, TextEncoder, with_title
from training.recipes import TrainedNetwork


def make_goldens(network: TrainedNetwork, vocabulary: Mapping[str, int]) -> Sequence[Golden]:
    """Ask the trained network itself, not its export, about each golden text."""
    cases = json.loads(files("training").joinpath("golden_texts.json").read_bytes())
    encoder = TextEncoder(vocabulary)
    token_ids = [encoder.token_ids(with_title(case["title"], case["text"])) for case in cases]
    return [
        Golden(case["title"], case["text"], ids, [float(p) for p in probabilities])
        for case, ids, probabilities in zip(
            cases, token_ids, network.predict(token_ids), strict=True
        )
    ]
