"""Histograms that many values are added to at once, which costs a fraction of one by one."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

INFINITY: Final = float("inf")


class BatchHistogram(Collector):
    """A histogram for Prometheus, without labels. Not safe to be added to by two threads at a time.

    Parameters
    ----------
    name, documentation : str
    buckets : sequence of float
        Their upper bounds, ascending; a value that equals one belongs to it, as in Prometheus.
    registry : CollectorRegistry
    """

    def __init__(
        self,
        name: str,
        documentation: str,
        *,
        buckets: Sequence[float],
        registry: CollectorRegistry,
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._bounds = np.array(buckets, dtype=np.float64)
        self._counts = np.zeros(len(buckets) + 1, dtype=np.int64)
        self._sum = 0.0
        registry.register(self)

    def observe_many(self, values: Sequence[float]) -> None:
        """Add values."""
        places = np.searchsorted(self._bounds, values, side="left")
        self._counts += np.bincount(places, minlength=len(self._counts))
        self._sum += sum(values)

    def describe(self) -> Iterable[HistogramMetricFamily]:
        """Give the name and what it means."""
        return [HistogramMetricFamily(self._name, self._documentation)]

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """Give the histogram as it is now."""
        bounds = map(bound_label, [*self._bounds, INFINITY])
        buckets = list(zip(bounds, np.cumsum(self._counts).tolist(), strict=True))
        family = HistogramMetricFamily(self._name, self._documentation)
        family.add_metric([], buckets=buckets, sum_value=self._sum)
        return [family]


def bound_label(bound: float) -> str:
    """Write a bucket's bound as the label of a histogram has it, such as ``10.0`` or ``+Inf``."""
    label: str = floatToGoString(bound)  # type: ignore[no-untyped-call]
    return label
