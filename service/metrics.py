"""Every metric of the service, declared once, on a registry that is handed in."""

from collections.abc import Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
)

from service.model import Abstention, Manifest, Topic

_REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_STAGE_SECONDS = (1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 0.01, 0.025, 0.1)
_WORDS = (10, 25, 50, 100, 200, 400, 800, 1_600, 5_000, 20_000, 100_000)
_RATIOS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


class ServiceMetrics:
    """What the service counts and times.

    Parameters
    ----------
    registry : CollectorRegistry
        Where the metrics are declared; two services in one process need one each.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
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
        self.encode_duration = Histogram(
            "newswire_encode_duration_seconds",
            "Turning a text into token ids.",
            buckets=_STAGE_SECONDS,
            registry=registry,
        )
        self.inference_duration = Histogram(
            "newswire_inference_duration_seconds",
            "Turning token ids into probabilities.",
            buckets=_STAGE_SECONDS,
            registry=registry,
        )
        self.text_words = Histogram(
            "newswire_text_words",
            "Words in a text.",
            buckets=_WORDS,
            registry=registry,
        )
        self.known_words_ratio = Histogram(
            "newswire_known_words_ratio",
            "Share of a text's words that the vocabulary holds.",
            buckets=_RATIOS,
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
        self.top_score_ratio = Histogram(
            "newswire_top_score_ratio",
            "Score of the topic ranked first.",
            buckets=_RATIOS,
            registry=registry,
        )
        self.bundle = Info(
            "newswire_bundle", "The bundle that answers; always 1.", registry=registry
        )

    def describe_bundle(self, manifest: Manifest, topics: Sequence[Topic]) -> None:
        """State which bundle answers, and begin every topic's and reason's count at 0."""
        self.bundle.info(
            {
                "name": manifest.name,
                "version": manifest.version,
                "recipe": str(manifest.recipe.get("name", "")),
                "created": manifest.created,
            }
        )
        for topic in topics:
            self.predictions.labels(topic.code)
        for reason in Abstention:
            self.abstentions.labels(reason.value)

    def observe_request(self, *, route: str, status: int, seconds: float) -> None:
        """Record an answered request."""
        self.requests.labels(route, str(status)).inc()
        self.request_duration.labels(route).observe(seconds)

    def observe_text(self, *, words: int, known_words_ratio: float) -> None:
        """Record what a text was like."""
        self.text_words.observe(words)
        self.known_words_ratio.observe(known_words_ratio)

    def observe_prediction(self, *, topic: str, score: float, abstained: Abstention | None) -> None:
        """Record the topic ranked first, its score, and whether that is relied upon."""
        if abstained is not None:
            self.abstentions.labels(abstained.value).inc()
        self.predictions.labels(topic).inc()
        self.top_score_ratio.observe(score)


def make_registry() -> CollectorRegistry:
    """Give a registry that has the process', the interpreter's and its collector's metrics."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
