from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from service.app import create_app
from service.model import TopicClassifier, build_classifier, load_bundle, load_classifier
from service.model.drift import BOUNDS
from service.observability.metrics import MAX_PENDING, ServiceMetrics, make_registry
from service.settings import ServiceSettings
from tests.conftest import LATEST, RELEASED
from tests.synthetic_bundles import save_synthetic_bundle, text_of

TEXT = "OPEC ministers agreed to cut crude oil production zebra."


class Samples:
    """The values on a registry, by name and labels."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def __call__(self, name: str, **labels: str) -> float:
        value = self._registry.get_sample_value(name, labels)
        assert value is not None, f"{name} {labels} is not on the registry"
        return value


@pytest.fixture
def value(registry: CollectorRegistry) -> Samples:
    return Samples(registry)


def test_classification_is_counted(client: TestClient, value: Samples) -> None:
    client.post("/classify", json={"text": TEXT})
    client.post("/classify", json={"text": ""})
    client.post("/classify", json={"text": TEXT, "min_confidence": 1})
    assert value("newswire_http_requests_total", route="/classify", status="200") == 2
    assert value("newswire_http_requests_total", route="/classify", status="422") == 1
    assert value("newswire_http_request_duration_seconds_count", route="/classify") == 3
    assert value("newswire_predictions_total", topic="crude") == 2
    assert value("newswire_predictions_total", topic="lead") == 0
    assert value("newswire_abstentions_total", reason="low_confidence") == 1
    assert value("newswire_abstentions_total", reason="too_few_known_words") == 0
    assert value("newswire_text_words_sum") == 2 * 9
    assert value("newswire_known_words_ratio_sum") == pytest.approx(2 * 8 / 9)
    assert value("newswire_encode_duration_seconds_count") == 2
    assert value("newswire_inference_duration_seconds_count") == 2
    assert 0 < value("newswire_encode_duration_seconds_sum") < 1
    assert 0 < value("newswire_top_score_ratio_sum") <= 2


def test_unmatched_paths_share_one_label(client: TestClient, value: Samples) -> None:
    for path in ("/a", "/b", "/classify/x"):
        client.get(path)
    client.get("/classify")
    assert value("newswire_http_requests_total", route="unmatched", status="404") == 3
    assert value("newswire_http_requests_total", route="/classify", status="405") == 1


def test_model_info(client: TestClient, registry: CollectorRegistry) -> None:
    (info,) = [
        sample
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "newswire_model_info"
    ]
    assert info.value == 1
    assert info.labels["name"] == "reuters"
    assert info.labels["version"] == LATEST.name
    assert set(info.labels) == {"name", "version", "recipe", "created"}


def test_drift_baseline_is_exported(
    client: TestClient, classifier: TopicClassifier, registry: CollectorRegistry, value: Samples
) -> None:
    """Its bins are those of the histograms, so that they can be compared bin by bin."""
    baseline = classifier.drift_baseline
    assert baseline is not None
    assert value("newswire_drift_baseline_topics_ratio", topic="earn") == pytest.approx(
        baseline.topics["earn"] / baseline.n_texts
    )
    assert value("newswire_drift_baseline_samples") == baseline.n_texts
    low = baseline.abstentions["low_confidence"] / baseline.n_texts
    assert value("newswire_drift_baseline_abstentions_ratio", reason="low_confidence") == low
    samples = [sample for family in registry.collect() for sample in family.samples]
    for distribution in baseline.distributions():
        observed = [
            sample.labels["le"]
            for sample in samples
            if sample.name == f"newswire_{distribution}_bucket"
        ]
        bins = [
            sample
            for sample in samples
            if sample.name == "newswire_drift_baseline_texts_ratio"
            and sample.labels["distribution"] == distribution
        ]
        assert [sample.labels["up_to"] for sample in bins] == observed
        assert [sample.labels["above"] for sample in bins] == ["-Inf", *observed[:-1]]
        assert sum(sample.value for sample in bins) == pytest.approx(1)


def test_no_topic_baseline_requires_a_model_with_no_topic(
    settings: ServiceSettings,
    no_topic_classifier: TopicClassifier,
    registry: CollectorRegistry,
    value: Samples,
) -> None:
    with TestClient(create_app(settings, no_topic_classifier, registry)) as client:
        assert value("newswire_abstentions_total", reason="no_topic") == 0
        responses = [
            client.post("/classify", json={"text": text}).json() for text in ("oil", "rose")
        ]
    assert value("newswire_abstentions_total", reason="no_topic") == 1
    assert value("newswire_no_topic_ratio_count") == 2
    expected = sum(response["no_topic"] for response in responses)
    assert value("newswire_no_topic_ratio_sum") == pytest.approx(expected)
    assert value("newswire_no_topic_ratio_bucket", le="0.5") == 1
    bins = [
        sample
        for family in registry.collect()
        for sample in family.samples
        if sample.labels.get("distribution") == "no_topic_ratio"
    ]
    assert len(bins) == len(BOUNDS["no_topic_ratio"]) + 1
    assert sum(sample.value for sample in bins) == pytest.approx(1)


def test_no_topic_is_counted(client: TestClient, value: Samples) -> None:
    client.post("/classify", json={"text": TEXT})
    assert value("newswire_no_topic_ratio_count") == 1


def test_no_topic_is_not_counted_without_this_output(
    settings: ServiceSettings, registry: CollectorRegistry, value: Samples
) -> None:
    app = create_app(settings, load_classifier(RELEASED / "4"), registry)
    TestClient(app).post("/classify", json={"text": TEXT})
    assert value("newswire_no_topic_ratio_count") == 0
    assert value("newswire_abstentions_total", reason="no_topic") == 0
    assert value("newswire_drift_baseline_abstentions_ratio", reason="no_topic") == 0


def test_no_drift_baseline(registry: CollectorRegistry) -> None:
    bundle = replace(load_bundle(RELEASED / "1"), drift_baseline=None)
    ServiceMetrics(registry).set_model(build_classifier(bundle))
    names = {sample.name for family in registry.collect() for sample in family.samples}
    baseline = {name for name in names if name.startswith("newswire_drift_baseline")}
    assert baseline == {"newswire_drift_baseline_samples"}
    assert registry.get_sample_value("newswire_drift_baseline_samples") == 0


def test_series_are_those_of_two_models_at_most(
    registry: CollectorRegistry, value: Samples, tmp_path: Path
) -> None:
    """Counts of the model before it stay, for a rollback; older ones of other topics go."""

    def model(*codes: str) -> TopicClassifier:
        folder = tmp_path / "-".join(codes)
        return load_classifier(save_synthetic_bundle(folder, len(codes), codes=codes))

    def series() -> set[str]:
        families = {family.name: family for family in registry.collect()}
        names = [sample.labels["topic"] for sample in families["newswire_predictions"].samples]
        return set(names)

    metrics = ServiceMetrics(registry)
    first, second, third = model("a", "b"), model("b", "c"), model("d", "e", "f")
    metrics.set_model(first)
    (prediction,) = first.classify([text_of(0)])
    encoded = first.encode(text_of(0))
    metrics.observe_texts([encoded], [prediction], encode_seconds=0, inference_seconds=0)
    metrics.set_model(second)
    assert series() == {"a", "b", "c"}
    assert value("newswire_predictions_total", topic="a") == 1
    metrics.set_model(third)
    assert series() == {"b", "c", "d", "e", "f"}
    metrics.observe_texts([encoded], [prediction], encode_seconds=0, inference_seconds=0)
    assert "a" in series()  # of a request that began with the first
    metrics.set_model(third)
    assert series() == {"d", "e", "f"}
    baseline = {
        sample.labels["topic"]
        for family in registry.collect()
        if family.name == "newswire_drift_baseline_topics_ratio"
        for sample in family.samples
    }
    assert baseline == {"d", "e", "f"}


def test_registries_are_independent() -> None:
    one, other = ServiceMetrics(CollectorRegistry()), ServiceMetrics(CollectorRegistry())
    one.observe_request(route="/x", status=200, seconds=0.1)
    labels = {"route": "/x", "status": "200"}
    assert one.registry.get_sample_value("newswire_http_requests_total", labels) == 1
    assert other.registry.get_sample_value("newswire_http_requests_total", labels) is None


def test_process_metrics() -> None:
    registry = make_registry()
    assert (registry.get_sample_value("process_resident_memory_bytes") or 0) > 1e6
    assert registry.get_sample_value("python_gc_collections_total", {"generation": "0"}) is not None


def test_pending_observations_are_counted_once(registry: CollectorRegistry, value: Samples) -> None:
    metrics = ServiceMetrics(registry)

    def observe() -> None:
        for _ in range(2 * MAX_PENDING + 7):
            metrics.observe_request(route="/x", status=200, seconds=0.1)

    threads = [Thread(target=observe) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(100):
        list(registry.collect())
    for thread in threads:
        thread.join()
    expected = 4 * (2 * MAX_PENDING + 7)
    for _ in range(2):
        assert value("newswire_http_requests_total", route="/x", status="200") == expected
        assert value("newswire_http_request_duration_seconds_count", route="/x") == expected


def test_pending_observations_are_bounded(registry: CollectorRegistry) -> None:
    metrics = ServiceMetrics(registry)
    for _ in range(3 * MAX_PENDING):
        metrics.observe_request(route="/x", status=200, seconds=0.1)
        assert len(metrics._pending_requests) < MAX_PENDING
