"""Drift baseline: distributions of texts and predictions on held-out newswires.

A bundle includes it, and the service exports it as metrics to compare with traffic.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from service.model.abstention import Abstention
from service.model.errors import BundleError

_RATIO_BOUNDS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
BOUNDS: Final[Mapping[str, Sequence[float]]] = {
    "text_words": (10, 25, 50, 100, 200, 400, 800, 1_600, 5_000, 20_000, 100_000),
    "known_words_ratio": _RATIO_BOUNDS,
    "top_score_ratio": _RATIO_BOUNDS,
    "no_topic_ratio": _RATIO_BOUNDS,
}
"""Upper bounds of each distribution's bins, part of the bundle format; a last bin has no bound."""


@dataclass(frozen=True, slots=True)
class DriftBaseline:
    """Counts of held-out newswires; distributions are by the inclusive upper bound of a bin."""

    topics: dict[str, int]  # newswires by the code of the topic ranked first
    abstentions: dict[str, int]  # newswires by reason; no ``no_topic`` in format version 1
    text_words: dict[str, int]  # words per text
    known_words_ratio: dict[str, int]  # share of the words that are in the vocabulary
    top_score_ratio: dict[str, int]  # score of the topic ranked first
    no_topic_ratio: dict[str, int] | None = None  # absent for a model without this output

    @property
    def n_texts(self) -> int:
        """Number of newswires."""
        return sum(self.topics.values())

    def distributions(self) -> dict[str, dict[str, int]]:
        """Return the counts of each distribution, by its name in `BOUNDS`."""
        counts = {name: getattr(self, name) for name in BOUNDS}
        return {name: bins for name, bins in counts.items() if bins is not None}


def bin_names(distribution: str) -> list[str]:
    """Return the upper bounds of a distribution's bins as strings, ``"inf"`` last."""
    return [*map(str, BOUNDS[distribution]), str(math.inf)]


def count_bins(distribution: str, values: Iterable[float]) -> dict[str, int]:
    """Count the values in each bin; a value that equals a bound is in its bin."""
    counts = Counter(bisect_left(BOUNDS[distribution], value) for value in values)
    return {name: counts[index] for index, name in enumerate(bin_names(distribution))}


def check_drift_baseline(
    baseline: DriftBaseline, codes: Sequence[str], *, no_topic: bool = False
) -> None:
    """Raise BundleError if topics, reasons or bins differ, or the counts do not add up.

    ``codes`` are those of the topics, in order; ``no_topic`` is the manifest's.
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
            raise BundleError(f"{where}: {_first_difference(expected[name], list(counts))}")
        total = sum(counts.values())
        n_texts = baseline.n_texts
        complete = total <= n_texts if name == "abstentions" else total == n_texts > 0
        if min(counts.values()) < 0 or not complete:
            raise BundleError(
                f"{where}: expected counts of {n_texts} newswires, got a sum of {total}"
            )


def _first_difference(expected: Sequence[str], found: Sequence[str]) -> str:
    """Describe where two different lists differ; they may have 1,000 codes."""
    pairs = enumerate(zip_longest(expected, found), 1)
    number, (wanted, came) = next((n, pair) for n, pair in pairs if pair[0] != pair[1])
    return f"expected {wanted!r} as entry {number} of {len(expected)}, got {came!r}"
