"""What texts were like, and what was answered, when the model was measured.

A bundle ships it, so that whoever serves the model can see the traffic drift away from it.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
    "no_topic_ratio": RATIO_BOUNDS,
}
"""The distributions of a baseline, and their bins: part of the format of a bundle."""
LATER_REASONS: Final = (Abstention.NO_TOPIC,)
"""Reasons to abstain that baselines of format version 1 do not count."""


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
    no_topic_ratio : dict of str to int, or None
        How many had such a probability that none of the topics fits; None for a model that does
        not know it.
    """

    topics: dict[str, int]
    abstentions: dict[str, int]
    text_words: dict[str, int]
    known_words_ratio: dict[str, int]
    top_score_ratio: dict[str, int]
    no_topic_ratio: dict[str, int] | None = None

    @property
    def n_texts(self) -> int:
        """How many newswires were measured."""
        return sum(self.topics.values())

    def distributions(self) -> dict[str, dict[str, int]]:
        """Return the counts of each distribution that was measured, by its name in `BOUNDS`."""
        counts = {name: getattr(self, name) for name in BOUNDS}
        return {name: bins for name, bins in counts.items() if bins is not None}


def bin_names(distribution: str) -> list[str]:
    """Give the upper bounds of a distribution's bins as a baseline has them, ``"inf"`` last."""
    return [*map(str, BOUNDS[distribution]), str(math.inf)]


def count_bins(distribution: str, values: Iterable[float]) -> dict[str, int]:
    """Count the values in each bin of a distribution; one that equals a bound is below it."""
    counts = Counter(bisect_left(BOUNDS[distribution], value) for value in values)
    return {name: counts[index] for index, name in enumerate(bin_names(distribution))}


def add_later_reasons(baseline: DriftBaseline) -> DriftBaseline:
    """Return a baseline of format version 1 with a count of 0 for each later reason to abstain."""
    later = {reason.value: 0 for reason in LATER_REASONS if reason not in baseline.abstentions}
    return replace(baseline, abstentions=baseline.abstentions | later)


def check_drift_baseline(
    baseline: DriftBaseline, codes: Sequence[str], *, no_topic: bool = False
) -> None:
    """Check that traffic can be compared with a baseline.

    Parameters
    ----------
    baseline : DriftBaseline
    codes : sequence of str
        Of the topics, in order.
    no_topic : bool
        Whether the model knows "none of the topics": the baseline has ``no_topic_ratio`` then.

    Raises
    ------
    BundleError
        If its topics, reasons or bins are others than ours, or its counts do not add up.
    """
    if (baseline.no_topic_ratio is not None) != no_topic:
        expectation = "is missing" if no_topic else "expected only where the manifest has no_topic"
        raise BundleError(f"drift_baseline.json: no_topic_ratio: {expectation}")
    expected = {"topics": list(codes), "abstentions": [reason.value for reason in Abstention]}
    expected |= {name: bin_names(name) for name in BOUNDS}
    measured = {"topics": baseline.topics, "abstentions": baseline.abstentions}
    for name, counts in (measured | baseline.distributions()).items():
        where = f"drift_baseline.json: {name}"
        if list(counts) != expected[name]:
            raise BundleError(f"{where}: expected {expected[name]}, got {list(counts)}")
        total = sum(counts.values())
        complete = (
            total <= baseline.n_texts if name == "abstentions" else (total == baseline.n_texts > 0)
        )
        if min(counts.values()) < 0 or not complete:
            raise BundleError(
                f"{where}: expected counts of {baseline.n_texts} newswires, got a sum of {total}"
            )
