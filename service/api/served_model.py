"""The served model, which a reload replaces while the service runs."""

from dataclasses import asdict, dataclass, replace
from typing import Self

from service.api.open_inference.model import TensorModel
from service.api.parsing import RequestLimits
from service.api.predictor import Predictor
from service.api.schemas import ClassifyRequest, ModelInfo, TopicInfo, TopicList
from service.model import TopicClassifier
from service.observability.health import ServiceHealth
from service.observability.metrics import ServiceMetrics
from service.scheduling.admission import ConcurrencyLimit
from service.scheduling.batching import DynamicBatcher


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model, and everything of the API that depends on it."""

    classifier: TopicClassifier
    limits: RequestLimits
    predictor: Predictor
    batcher: DynamicBatcher[ClassifyRequest]
    tensors: TensorModel
    topics: TopicList
    info: ModelInfo

    @classmethod
    def of(
        cls,
        classifier: TopicClassifier,
        metrics: ServiceMetrics,
        limits: RequestLimits,
        health: ServiceHealth,
        permits: ConcurrencyLimit,
    ) -> Self:
        """Build what depends on a classifier; the model that is served is not touched."""
        limits = replace(limits, max_top_k=len(classifier.topics))
        predictor = Predictor(classifier, metrics, limits, health)
        return cls(
            classifier=classifier,
            limits=limits,
            predictor=predictor,
            batcher=DynamicBatcher(predictor.predict_each, permits),
            tensors=TensorModel(classifier, predictor, limits),
            topics=TopicList(topics=[TopicInfo.of(topic) for topic in classifier.topics]),
            info=ModelInfo(**asdict(classifier.manifest)),
        )


class ModelHandle:
    """Refers to the served model.

    It is replaced by one assignment. A request reads it once, so it uses one model throughout.
    """

    def __init__(self, served: ServedModel) -> None:
        self.served = served
