"""A histogram that counts many values at once, at a fraction of the cost per value."""

from collections.abc import Sequence

import numpy as np
from prometheus_client import Histogram


class BatchHistogram(Histogram):
    """A Prometheus histogram that counts values together."""

    def observe_many(self, values: Sequence[float]) -> None:
        """Count values, as `observe` does for each."""
        counts = np.bincount(np.searchsorted(self._upper_bounds, values)).tolist()
        for bucket, count in zip(self._buckets, counts, strict=False):
            if count:
                bucket.inc(count)
        self._sum.inc(sum(values))
