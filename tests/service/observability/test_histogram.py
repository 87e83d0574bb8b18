from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.openmetrics.exposition import generate_latest

from service.observability.histogram import BatchHistogram

BUCKETS = (0.125, 0.5, 1, 25)
values = st.lists(st.sampled_from([0.0, 0.125, 0.25, 0.5, 1.0, 2.0, 25.0, 1e6]))


@given(st.lists(values))
def test_same_samples_as_the_library(chunks: list[list[float]]) -> None:
    """An oracle: the histogram of the library, one value at a time."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    distribution = BatchHistogram("x", "Some values.", buckets=BUCKETS, registry=ours)
    histogram = Histogram("x", "Some values.", buckets=BUCKETS, registry=theirs)
    for chunk in chunks:
        distribution.observe_many(chunk)
        for value in chunk:
            histogram.observe(value)
    assert exposition(ours) == exposition(theirs)


def test_name_is_unique() -> None:
    registry = CollectorRegistry()
    BatchHistogram("x", "Some values.", buckets=BUCKETS, registry=registry)
    assert registry._names_to_collectors.keys() >= {"x_bucket", "x_count", "x_sum"}


def exposition(registry: CollectorRegistry) -> list[str]:
    shown: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return [line for line in shown.decode().splitlines() if not line.startswith("x_created")]
