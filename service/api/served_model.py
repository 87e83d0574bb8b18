"""The served model, which a reload replaces while the service runs."""

from dataclasses import asdict, replace

from service.api.limits import RequestLimits
from service.api.open_inference.model import TensorModel
from service.api.predictor import Predictor
from service.api.schemas import ModelInfo, TopicInfo, TopicList
from service.api.traced import TracedBatcher
from service.model import TopicClassifier
from service.observability.health import ServiceHealth
from service.observability.metrics import ServiceMetrics
from service.observability.tracing.request_trace import PredictionTracer
from service.scheduling.admission import ConcurrencyLimit
from service.scheduling.batching import DynamicBatcher


class ServedModel:
    """A model, and everything of the API that depends on it."""

    def __init__(
        self,
        classifier: TopicClassifier,
        metrics: ServiceMetrics,
        limits: RequestLimits,
        health: ServiceHealth,
        limit: ConcurrencyLimit,
        *,
        is_traced: bool = False,
    ) -> None:
        self.classifier = classifier
        self.limits = replace(
            limits,
            max_top_k=len(classifier.topics),
            finds_all_topics=classifier.finds_all_topics,
            has_subjects=classifier.has_subjects,
        )
        manifest = classifier.manifest
        tracer = PredictionTracer(name=manifest.name, version=manifest.version)
        self.predictor = Predictor(
            classifier, metrics, self.limits, health, tracer if is_traced else None
        )
        batcher = TracedBatcher if is_traced else DynamicBatcher
        self.batcher = batcher(self.predictor.respond_each, limit)
        self.tensors = TensorModel(classifier, self.predictor, self.limits)
        thresholds = manifest.all_topics_thresholds
        topics = [
            TopicInfo(
                topic=topic.code,
                all_topics_threshold=thresholds.get(topic.code),
                **asdict(topic),
            )
            for topic in classifier.topics
        ]
        self.topics = TopicList(topics=topics)
        self.info = ModelInfo(**asdict(manifest))


class ModelHandle:
    """Refers to the served model.

    A reload replaces it by one assignment. A request reads it once: it uses one model throughout.
    """

    def __init__(self, served: ServedModel) -> None:
        self.served = served
