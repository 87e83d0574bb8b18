import pytest

from service.observability.tracing.sampling import RATIO_BITS, Sampler

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SAMPLED = f"00-{TRACE_ID}-b7ad6b7169203331-01"
NOT_SAMPLED = f"00-{TRACE_ID}-b7ad6b7169203331-00"
RANDOM_NOT_SAMPLED = f"00-{TRACE_ID}-b7ad6b7169203331-02"


def sampler(name: str, ratio: str = "") -> Sampler:
    return Sampler({"OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": ratio})


@pytest.mark.parametrize(
    ("name", "ratio", "share"),
    [
        ("", "", 1),
        ("always_on", "", 1),
        ("ALWAYS_OFF", "", 0),
        ("parentbased_always_off", "", 0),
        ("traceidratio", "", 1),
        ("traceidratio", "1.0", 1),
        ("parentbased_traceidratio", "0", 0),
        ("parentbased_traceidratio", "0.01", 0.01),
    ],
)
def test_share_of_requests_without_parent(name: str, ratio: str, share: float) -> None:
    assert sampler(name, ratio).bound / (1 << RATIO_BITS) == pytest.approx(share)


@pytest.mark.parametrize("root", ["always_on", "always_off", "traceidratio"])
def test_parent_based_samplers_keep_the_flag(root: str) -> None:
    keeping = sampler(f"parentbased_{root}", "0.5")
    assert keeping.samples(SAMPLED)
    assert not keeping.samples(NOT_SAMPLED)
    assert not keeping.samples(RANDOM_NOT_SAMPLED)


@pytest.mark.parametrize("ratio", ["0", "0.01", "0.5", "0.52", "1"])
@pytest.mark.parametrize("traceparent", [SAMPLED, NOT_SAMPLED])
def test_a_ratio_without_parent_is_of_the_trace_id(ratio: str, traceparent: str) -> None:
    """As OpenTelemetry's TraceIdRatioBased decides it."""
    sdk = pytest.importorskip("opentelemetry.sdk.trace.sampling")
    decision = (
        sdk.TraceIdRatioBased(float(ratio)).should_sample(None, int(TRACE_ID, 16), "").decision
    )
    assert sampler("traceidratio", ratio).samples(traceparent) == decision.is_sampled()


def test_an_unknown_sampler_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"OTEL_TRACES_SAMPLER: expected one of always_on, .*xray"):
        sampler("xray")


@pytest.mark.parametrize("ratio", ["1.1", "-0.1", "one", "nan"])
def test_a_ratio_that_is_none_is_an_error(ratio: str) -> None:
    with pytest.raises(ValueError, match=rf"_ARG: expected a number from 0 to 1, got '{ratio}'"):
        sampler("traceidratio", ratio)
