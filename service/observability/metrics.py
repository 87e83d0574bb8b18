"""Every metric of the service, declared once, on a registry that is handed in."""

from collections import Counter as TotalOf
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import Final, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service.model import (
    Abstention,
    Classification,
    DriftBaseline,
    EncodedText,
    TopicClassifier,
)
from service.model.drift import BOUNDS
from service.observability.histogram import INFINITY, BatchHistogram, bound_label

_REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_STAGE_SECONDS = (1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 0.01, 0.025, 0.1)
_TEXTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024)

MAX_PENDING: Final = 100
"""How many observations may wait to be counted."""

Item = TypeVar("Item")


class ServiceMetrics(Collector):
    """What the service counts and times.

    Observations are noted where requests are answered, and counted when the registry is asked or
    when there are many: there, each metric would cost more than its share of the answer.

    Parameters
    ----------
    registry : CollectorRegistry
        Where the metrics are declared; two services in one process need one each.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        registry.register(self)  # before the metrics, so that it is asked first
        self.requests = Counter(
            "newswire_http_requests",
            "Requests answered, by route and status.",
            ("route", "status"),
            registry=registry,
        )
        self.request_duration = Histogram(
            "newswire_http_request_duration_seconds",
            "From a request's head to the end of its answer, by route.",
            ("route",),
            buckets=_REQUEST_SECONDS,
            registry=registry,
        )
        self.requests_in_progress = Gauge(
            "newswire_requests_in_progress",
            "Requests being classified, or waiting for it; NEWSWIRE_MAX_CONCURRENT_REQUESTS at most.",
            registry=registry,
        )
        self.encode_duration = BatchHistogram(
            "newswire_encode_duration_seconds",
            "Turning a text into token ids.",
            buckets=_STAGE_SECONDS,
            registry=registry,
        )
        self.inference_duration = BatchHistogram(
            "newswire_inference_duration_seconds",
            "Turning token ids into probabilities.",
            buckets=_STAGE_SECONDS,
            registry=registry,
        )
        self.explain_duration = BatchHistogram(
            "newswire_explain_duration_seconds",
            "Leaving out each word of a text in turn.",
            buckets=_STAGE_SECONDS,
            registry=registry,
        )
        self.text_words = BatchHistogram(
            "newswire_text_words",
            "Words in a text.",
            buckets=BOUNDS["text_words"],
            registry=registry,
        )
        self.known_words_ratio = BatchHistogram(
            "newswire_known_words_ratio",
            "Share of a text's words that the vocabulary holds.",
            buckets=BOUNDS["known_words_ratio"],
            registry=registry,
        )
        self.predictions = Counter(
            "newswire_predictions",
            "Texts classified, by the topic ranked first.",
            ("topic",),
            registry=registry,
        )
        self.abstentions = Counter(
            "newswire_abstentions",
            "Texts classified that the model abstained from, by reason.",
            ("reason",),
            registry=registry,
        )
        self.top_score_ratio = BatchHistogram(
            "newswire_top_score_ratio",
            "Score of the topic ranked first.",
            buckets=BOUNDS["top_score_ratio"],
            registry=registry,
        )
        self.no_topic_ratio = BatchHistogram(
            "newswire_no_topic_ratio",
            "Probability that none of the topics fits; empty for a model that does not know it.",
            buckets=BOUNDS["no_topic_ratio"],
            registry=registry,
        )
        self.inference_errors = Counter(
            "newswire_inference_errors",
            "Requests that failed because the model gave nothing valid.",
            registry=registry,
        )
        self.batch_size = Histogram(
            "newswire_batch_size", "Texts in a batch.", buckets=_TEXTS, registry=registry
        )
        self.model_info = Info(
            "newswire_model", "The bundle that answers; always 1.", registry=registry
        )
        self.reloads = Counter(
            "newswire_reloads",
            "Bundles that were to replace the one that answers, by what came of it.",
            ("outcome",),
            registry=registry,
        )
        for outcome in ("loaded", "failed", "error"):
            self.reloads.labels(outcome)
        self.skipped_bundles = Gauge(
            "newswire_skipped_bundles",
            "Bundles with a higher number than the served one: empty, incomplete or refused.",
            registry=registry,
        )
        self.model_watcher_running = Gauge(
            "newswire_model_watcher_running",
            "1 while a thread looks for another bundle, 0 if it has stopped.",
            registry=registry,
        )
        self.drift_baseline_samples = Gauge(
            "newswire_drift_baseline_samples",
            "Newswires held out in training that traffic is compared with; 0 if there are none.",
            registry=registry,
        )
        self.drift_baseline_topics = Gauge(
            "newswire_drift_baseline_topics_ratio",
            "Share of them that got this topic first.",
            ("topic",),
            registry=registry,
        )
        self.drift_baseline_abstentions = Gauge(
            "newswire_drift_baseline_abstentions_ratio",
            "Share of them that the model abstained from, by reason.",
            ("reason",),
            registry=registry,
        )
        self.drift_baseline_texts = Gauge(
            "newswire_drift_baseline_texts_ratio",
            "Share of them that lie in a bin of a distribution that is observed here.",
            ("distribution", "above", "up_to"),
            registry=registry,
        )
        self.log_lines_dropped = Counter(
            "newswire_log_lines_dropped",
            "Log lines that nobody took in time, or that could not be written.",
            registry=registry,
        )

        self._pending_requests: list[tuple[str, int, float]] = []
        self._pending_texts: list[tuple[EncodedText, Classification, float, float]] = []
        self._flush_lock = Lock()

    def collect(self) -> Iterable[Metric]:
        """Catch up before the registry asks the metrics themselves; there is nothing else here."""
        self.flush()
        return ()

    def set_model(self, classifier: TopicClassifier) -> None:
        """State which bundle answers, and begin the count of each topic and reason that has none.

        What was counted with another bundle stays; its baseline goes.
        """
        manifest = classifier.manifest
        self.model_info.info(
            {
                "name": manifest.name,
                "version": manifest.version,
                "recipe": str(manifest.recipe.get("name", "")),
                "created": manifest.created,
            }
        )
        for topic in classifier.topics:
            self.predictions.labels(topic.code)
        for reason in Abstention:
            self.abstentions.labels(reason.value)
        self.drift_baseline_samples.set(0)
        for gauge in (
            self.drift_baseline_topics,
            self.drift_baseline_abstentions,
            self.drift_baseline_texts,
        ):
            gauge.clear()
        if classifier.drift_baseline:
            self._describe_baseline(classifier.drift_baseline)

    def _describe_baseline(self, baseline: DriftBaseline) -> None:
        n_texts = baseline.n_texts
        self.drift_baseline_samples.set(n_texts)
        for topic, count in baseline.topics.items():
            self.drift_baseline_topics.labels(topic).set(count / n_texts)
        for reason, count in baseline.abstentions.items():
            self.drift_baseline_abstentions.labels(reason).set(count / n_texts)
        for distribution, bins in baseline.distributions().items():
            above = -INFINITY
            for name, count in bins.items():
                bounds = bound_label(above), bound_label(float(name))
                self.drift_baseline_texts.labels(distribution, *bounds).set(count / n_texts)
                above = float(name)

    def initialize_request_counts(self, statuses: Mapping[str, Iterable[int]]) -> None:
        """Begin the counts of requests at 0, by the route and the statuses that it can have."""
        for route, found in statuses.items():
            self.request_duration.labels(route)
            for status in found:
                self.requests.labels(route, str(status))

    def observe_request(self, *, route: str, status: int, seconds: float) -> None:
        """Record an answered request."""
        self._pending_requests.append((route, status, seconds))
        if len(self._pending_requests) >= MAX_PENDING:
            self.flush()

    def observe_text(
        self,
        encoded: EncodedText,
        answer: Classification,
        *,
        encode_seconds: float,
        inference_seconds: float,
    ) -> None:
        """Record what a text was like, what was answered, and how long that took."""
        self._pending_texts.append((encoded, answer, encode_seconds, inference_seconds))
        if len(self._pending_texts) >= MAX_PENDING:
            self.flush()

    def flush(self) -> None:
        """Count what is pending."""
        with self._flush_lock:
            self._count_requests(_take_all(self._pending_requests))
            if texts := _take_all(self._pending_texts):
                encoded, answers, encode_seconds, inference_seconds = zip(*texts, strict=True)
                self._count_texts(encoded, answers)
                self.encode_duration.observe_many(encode_seconds)
                self.inference_duration.observe_many(inference_seconds)

    def _count_requests(self, requests: Sequence[tuple[str, int, float]]) -> None:
        totals = TotalOf((route, status) for route, status, _ in requests)
        for (route, status), n_requests in totals.items():
            self.requests.labels(route, str(status)).inc(n_requests)
        for counted in {route for route, _ in totals}:
            duration = self.request_duration.labels(counted)
            for route, _, seconds in requests:
                if route == counted:
                    duration.observe(seconds)

    def _count_texts(
        self, encoded: Sequence[EncodedText], answers: Sequence[Classification]
    ) -> None:
        self.text_words.observe_many([text.n_words for text in encoded])
        self.known_words_ratio.observe_many([answer.known_words_ratio for answer in answers])
        self.top_score_ratio.observe_many([answer.topics[0].score for answer in answers])
        if no_topic := [answer.no_topic for answer in answers if answer.no_topic is not None]:
            self.no_topic_ratio.observe_many(no_topic)
        first = TotalOf(answer.topics[0].topic.code for answer in answers)
        for topic, n_texts in first.items():
            self.predictions.labels(topic).inc(n_texts)
        abstentions = TotalOf(answer.abstained.value for answer in answers if answer.abstained)
        for reason, n_texts in abstentions.items():
            self.abstentions.labels(reason).inc(n_texts)


def _take_all(pending: list[Item]) -> list[Item]:
    """Empty a list; what another thread appends meanwhile stays in it."""
    taken = pending[:]
    del pending[: len(taken)]
    return taken


def make_registry() -> CollectorRegistry:
    """Give a registry that has the process', the interpreter's and its collector's metrics."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
