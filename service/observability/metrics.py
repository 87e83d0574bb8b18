"""All Prometheus metrics of the service."""

import math
from collections import Counter as TotalOf
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Info,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from service.model import Abstention, Classification, EncodedText, TopicClassifier
from service.model.drift import BOUNDS
from service.observability.histogram import BatchHistogram

_REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_STAGE_SECONDS = (1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 0.01, 0.025, 0.1)
_TEXTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024)

MAX_PENDING: Final = 250  # observations that may wait for `ServiceMetrics.flush`


class ServiceMetrics(Collector):
    """The metrics of one service, on a registry of its own.

    Observations are buffered on the request path and counted together, at a scrape or when
    there are many: updating each metric per request would cost more than the prediction.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        registry.register(self)  # before the metrics: its `collect` flushes first

        counter = partial(Counter, namespace="newswire", registry=registry)
        gauge = partial(Gauge, namespace="newswire", registry=registry)
        histogram = partial(BatchHistogram, namespace="newswire", registry=registry)
        stage = partial(histogram, buckets=_STAGE_SECONDS)

        def of_drift(name: str, documentation: str) -> BatchHistogram:
            return histogram(name, documentation, buckets=BOUNDS[name])

        self.requests = counter(
            "http_requests", "Responses by route and status.", ["route", "status"]
        )
        self.request_duration = histogram(
            "http_request_duration_seconds",
            "Time from the request headers to the end of the response, by route.",
            ["route"],
            buckets=_REQUEST_SECONDS,
        )
        self.requests_in_progress = gauge(
            "requests_in_progress", "Classification requests in progress or queued."
        )
        self.encode_duration = stage("encode_duration_seconds", "Encoding time of a text.")
        self.inference_duration = stage("inference_duration_seconds", "Inference time of a text.")
        self.explain_duration = stage("explain_duration_seconds", "Time of an explanation.")
        self.text_words = of_drift("text_words", "Words per text.")
        self.known_words_ratio = of_drift(
            "known_words_ratio", "Share of the words of a text that are in the vocabulary."
        )
        self.predictions = counter(
            "predictions", "Predictions by the topic ranked first.", ["topic"]
        )
        self.abstentions = counter("abstentions", "Abstentions by reason.", ["reason"])
        self.top_score_ratio = of_drift("top_score_ratio", "Score of the topic ranked first.")
        self.no_topic_ratio = of_drift(
            "no_topic_ratio",
            "Probability that none of the topics fits; empty for a model without this output.",
        )
        self.inference_errors = counter("inference_errors", "Requests that failed in inference.")
        self.batch_size = histogram("batch_size", "Texts per batch request.", buckets=_TEXTS)
        self.model_info = Info("newswire_model", "The served model; always 1.", registry=registry)
        self.reloads = counter("reloads", "Model reloads by outcome.", ["outcome"])
        for outcome in ("loaded", "failed", "error"):
            self.reloads.labels(outcome)
        self.skipped_bundles = gauge(
            "skipped_bundles",
            "Bundles with a higher number than the served one that are incomplete or invalid.",
        )
        self.model_watcher_running = gauge(
            "model_watcher_running", "1 while the thread that checks for new bundles runs."
        )
        self.drift_baseline_samples = gauge(
            "drift_baseline_samples",
            "Held-out texts in the drift baseline; 0 without a baseline.",
        )
        self.drift_baseline_topics = gauge(
            "drift_baseline_topics_ratio",
            "Drift baseline: share of texts by the topic ranked first.",
            ["topic"],
        )
        self.drift_baseline_abstentions = gauge(
            "drift_baseline_abstentions_ratio",
            "Drift baseline: share of texts with an abstention, by reason.",
            ["reason"],
        )
        self.drift_baseline_texts = gauge(
            "drift_baseline_texts_ratio",
            "Drift baseline: share of texts in a bin of a distribution.",
            ["distribution", "above", "up_to"],
        )
        self.log_lines_dropped = counter(
            "log_lines_dropped", "Log lines that could not be written, or not in time."
        )

        self._topics: set[str] = set()  # codes of the served model
        self._pending_requests: list[tuple[str, int, float, str | None]] = []
        # without their tokens, whose memory is then reused
        self._pending_texts: list[tuple[Any, ...]] = []
        self._flush_lock = Lock()

    def collect(self) -> Iterable[Metric]:
        """Flush before the registry collects the metrics; returns no metric."""
        self.flush()
        return ()

    def set_model(self, classifier: TopicClassifier) -> None:
        """Export a model's info and drift baseline, and its counts at 0.

        Counts of the previous model stay; those of topics that neither model has are removed, so
        that the number of series does not grow with each reload.
        """
        self.flush()
        manifest = classifier.manifest
        info = {name: getattr(manifest, name) for name in ("name", "version", "created")}
        self.model_info.info(info | {"recipe": str(manifest.recipe.get("name", ""))})
        topics = {topic.code for topic in classifier.topics}
        counted = {
            sample.labels["topic"]
            for family in self.predictions.collect()
            for sample in family.samples
        }
        for code in counted - topics - self._topics:
            self.predictions.remove(code)
        for code in topics:
            self.predictions.labels(code)
        self._topics = topics
        for reason in Abstention:
            self.abstentions.labels(reason.value)
        self.drift_baseline_topics.clear()
        self.drift_baseline_abstentions.clear()
        self.drift_baseline_texts.clear()
        if (baseline := classifier.drift_baseline) is None:
            self.drift_baseline_samples.set(0)
            return
        n_texts = baseline.n_texts
        self.drift_baseline_samples.set(n_texts)
        for code, count in baseline.topics.items():
            self.drift_baseline_topics.labels(code).set(count / n_texts)
        for name, count in baseline.abstentions.items():
            self.drift_baseline_abstentions.labels(name).set(count / n_texts)
        for distribution, bins in baseline.distributions().items():
            bounds = (-math.inf, *map(float, bins))
            labels = [floatToGoString(bound) for bound in bounds]  # type: ignore[no-untyped-call]
            for above, up_to, count in zip(labels, labels[1:], bins.values(), strict=False):
                self.drift_baseline_texts.labels(distribution, above, up_to).set(count / n_texts)

    def initialize_request_counts(self, statuses: Mapping[str, Iterable[int]]) -> None:
        """Initialize the counts of requests at 0, for each status of a route."""
        for route, found in statuses.items():
            self.request_duration.labels(route)
            for status in found:
                self.requests.labels(route, str(status))

    def observe_request(
        self, *, route: str, status: int, seconds: float, trace_id: str | None = None
    ) -> None:
        """Record a response; that of a sampled trace becomes an exemplar."""
        self._pending_requests.append((route, status, seconds, trace_id))
        if len(self._pending_requests) >= MAX_PENDING:
            self.flush()

    def observe_texts(
        self,
        encoded: Sequence[EncodedText],
        predictions: Sequence[Classification],
        *,
        encode_seconds: float,
        inference_seconds: float,
    ) -> None:
        """Record texts, their predictions and the durations, each in seconds per text."""
        for text, prediction in zip(encoded, predictions, strict=True):
            first = prediction.topics[0]
            self._pending_texts.append(
                (
                    encode_seconds,
                    inference_seconds,
                    text.n_words,
                    prediction.known_words_ratio,
                    first.score,
                    prediction.no_topic,
                    first.topic.code,
                    prediction.abstained,
                )
            )
        if len(self._pending_texts) >= MAX_PENDING:
            self.flush()

    def flush(self) -> None:
        """Count the buffered observations."""
        with self._flush_lock:
            self._count_requests(_take_all(self._pending_requests))
            if texts := _take_all(self._pending_texts):
                self._count_texts(texts)

    def _count_requests(self, requests: Sequence[tuple[str, int, float, str | None]]) -> None:
        totals = TotalOf((route, status) for route, status, _, _ in requests)
        for (route, status), n_requests in totals.items():
            self.requests.labels(route, str(status)).inc(n_requests)
        durations: dict[str, list[float]] = {route: [] for route, _ in totals}
        for route, _, seconds, trace_id in requests:
            if trace_id:
                self.request_duration.labels(route).observe(seconds, {"trace_id": trace_id})
            else:
                durations[route].append(seconds)
        for route, values in durations.items():
            self.request_duration.labels(route).observe_many(values)

    def _count_texts(self, texts: Sequence[tuple[Any, ...]]) -> None:
        encode, inference, n_words, known_words, top_scores, no_topic, topics, abstained = zip(
            *texts, strict=True
        )
        self.encode_duration.observe_many(encode)
        self.inference_duration.observe_many(inference)
        self.text_words.observe_many(n_words)
        self.known_words_ratio.observe_many(known_words)
        self.top_score_ratio.observe_many(top_scores)
        self.no_topic_ratio.observe_many([each for each in no_topic if each is not None])
        for topic, n_texts in TotalOf(topics).items():
            self.predictions.labels(topic).inc(n_texts)
        for reason, n_texts in TotalOf(filter(None, abstained)).items():
            self.abstentions.labels(reason.value).inc(n_texts)


def _take_all(pending: list[Any]) -> list[Any]:
    """Empty a list; items that another thread appends meanwhile stay."""
    taken = pending[:]
    del pending[: len(taken)]
    return taken


def make_registry() -> CollectorRegistry:
    """Return a registry with the metrics of process, interpreter and garbage collector."""
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return registry
