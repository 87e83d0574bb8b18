"""The model that answers, which may be replaced by another while the service runs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Self

from service.api.open_inference.model import TensorModel
from service.api.parsing import Limits
from service.api.predictor import Answerer
from service.api.schemas import ModelInfo, TopicInfo, TopicList
from service.model import TopicClassifier
from service.observability.health import ServiceHealth
from service.observability.metrics import ServiceMetrics


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model, and everything of the interface that depends on it.

    Attributes
    ----------
    classifier : TopicClassifier
    limits : Limits
        How much a request may ask for; no more topics than there are.
    answerer : Answerer
    tensors : TensorModel
    topics : TopicList
        As ``GET /topics`` gives them.
    info : ModelInfo
        As ``GET /model`` gives it.
    """

    classifier: TopicClassifier
    limits: Limits
    answerer: Answerer
    tensors: TensorModel
    topics: TopicList
    info: ModelInfo

    @classmethod
    def of(
        cls,
        classifier: TopicClassifier,
        metrics: ServiceMetrics,
        limits: Limits,
        health: ServiceHealth,
    ) -> Self:
        """Build what depends on a classifier; nothing that runs is touched."""
        limits = replace(limits, max_top_k=len(classifier.topics))
        answerer = Answerer(classifier, metrics, limits, health)
        return cls(
            classifier=classifier,
            limits=limits,
            answerer=answerer,
            tensors=TensorModel(classifier, answerer, limits),
            topics=TopicList(topics=[TopicInfo.of(topic) for topic in classifier.topics]),
            info=ModelInfo(**asdict(classifier.manifest)),
        )


class CurrentModel:
    """Answers with the model that is current at that moment, from first to last.

    Parameters
    ----------
    served : ServedModel
        The first one.

    Attributes
    ----------
    served : ServedModel
        To replace it is one assignment. Who takes it once and goes on with what he took has one
        model, whatever comes.
    """

    def __init__(self, served: ServedModel) -> None:
        self.served = served

    def classify(self, body: bytes) -> bytes:
        """Answer as `Answerer.classify` does."""
        return self.served.answerer.classify(body)

    def classify_each(self, bodies: Sequence[bytes]) -> list[bytes | Exception]:
        """Answer as `Answerer.classify_each` does."""
        return self.served.answerer.classify_each(bodies)

    def classify_batch(self, body: bytes) -> bytes:
        """Answer as `Answerer.classify_batch` does."""
        return self.served.answerer.classify_batch(body)

    def tensors(self) -> TensorModel:
        """Give the model as the Open Inference Protocol sees it."""
        return self.served.tensors
