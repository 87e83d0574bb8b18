"""What texts were like, and what was answered, when the model was measured.

A bundle ships it, so that whoever serves the model can see the traffic drift away from it.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

from service.model.abstention import Abstention
from service.model.errors import BundleError

WORDS_BOUNDS: Final = (10, 25, 50, 100, 200, 400, 800, 1_600, 5_000, 20_000, 100_000)
"""Upper bounds of the bins by words in a text; a last bin holds what is above."""
RATIO_BOUNDS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Upper bounds of the bins by a ratio."""
BOUNDS: Final[Mapping[str, Sequence[float]]] = {
    "text_words": WORDS_BOUNDS,
    "known_words_ratio": RATIO_BOUNDS,
    "top_score_ratio": RATIO_BOUNDS,
}
"""The distributions of a baseline, and their bins: part of the format of a bundle."""


@dataclass(frozen=True, slots=True)
class DriftBaseline:
    """How many of the newswires held out fell where; what traffic is compared with.

    Attributes
    ----------
    topics : dict of str to int
        How many got each topic first, by its code.
    abstentions : dict of str to int
        How many were abstained from, by reason.
    text_words, known_words_ratio, top_score_ratio : dict of str to int
        How many had so many words, such a share of known words, such a score of the topic ranked
        first; by the upper bound of the bin, which belongs to it.
    """

    topics: dict[str, int]
    abstentions: dict[str, int]
    text_words: dict[str, int]
    known_words_ratio: dict[str, int]
    top_score_ratio: dict[str, int]

    @property
    def n_texts(self) -> int:
        """How many newswires were measured."""
        return sum(self.topics.values())


def bin_names(distribution: str) -> list[str]:
    """Give the upper bounds of a distribution's bins as a baseline has them, ``"inf"`` last."""
    return [*map(str, BOUNDS[distribution]), str(math.inf)]


def count_bins(distribution: str, values: Iterable[float]) -> dict[str, int]:
    """Count the values in each bin of a distribution; one that equals a bound is below it."""
    counts = Counter(bisect_left(BOUNDS[distribution], value) for value in values)
    return {name: counts[index] for index, name in enumerate(bin_names(distribution))}


def check_drift_baseline(baseline: DriftBaseline, codes: Sequence[str]) -> None:
    """Refuse a baseline that traffic cannot be compared with.

    Raises
    ------
    BundleError
        If its topics, reasons or bins are others than ours, or its counts do not add up.
    """
    expected = {"topics": list(codes), "abstentions": [reason.value for reason in Abstention]}
    expected |= {name: bin_names(name) for name in BOUNDS}
    for item in fields(baseline):
        counts: dict[str, int] = getattr(baseline, item.name)
        where = f"drift_baseline.json: {item.name}"
        if list(counts) != expected[item.name]:
            raise BundleError(f"{where}: expected {expected[item.name]}, got {list(counts)}")
        total = sum(counts.values())
        complete = (
            total <= baseline.n_texts
            if item.name == "abstentions"
            else (total == baseline.n_texts > 0)
        )
        if min(counts.values()) < 0 or not complete:
            raise BundleError(
                f"{where}: expected counts of {baseline.n_texts} newswires, got a sum of {total}"
            )
