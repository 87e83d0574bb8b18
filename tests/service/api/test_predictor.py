import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from service.api.limits import RequestLimits
from service.api.predictor import Predictor
from service.api.schemas import ClassifyRequest
from service.model import InferenceError, TopicClassifier, load_bundle
from service.observability.health import ServiceHealth
from service.observability.metrics import ServiceMetrics
from tests.conftest import LATEST

LIMITS = RequestLimits(
    max_text_bytes=1_000,
    max_text_words=500,
    max_batch_size=9,
    max_explained_words=2_000,
    max_top_k=46,
)
CRUDE = ClassifyRequest(text="OPEC ministers agreed to cut crude oil production.", top_k=1)
EARN = ClassifyRequest(text="Net profit rose to 12 mln dlrs, or 80 cts a share.", top_k=2)
FAILING = ClassifyRequest(text="failing")


class FailingClassifier(TopicClassifier):
    """Returns no probabilities for a text of one word."""

    def infer(self, encoded: Any, output: str = "probabilities") -> NDArray[np.float32]:
        probabilities = super().infer(encoded, output)
        for row, text in zip(probabilities, encoded, strict=True):
            if text.n_words == 1:
                row[:] = np.nan
        return probabilities


@pytest.fixture(scope="module")
def failing() -> FailingClassifier:
    return FailingClassifier(load_bundle(LATEST))


@pytest.fixture
def predictor(failing: FailingClassifier, registry: CollectorRegistry) -> Predictor:
    metrics = ServiceMetrics(registry)
    metrics.set_model(failing)
    return Predictor(failing, metrics, LIMITS, ServiceHealth())


def test_batch_equals_single_requests(predictor: Predictor) -> None:
    for outcome, request in zip(predictor.respond_each([CRUDE, EARN]), (CRUDE, EARN), strict=True):
        assert isinstance(outcome, bytes)
        together = json.loads(outcome)
        alone = json.loads(predictor.respond(request))
        assert together.pop("no_topic") == pytest.approx(alone.pop("no_topic"), abs=1e-6)
        for ours, theirs in zip(together["topics"], alone["topics"], strict=True):
            assert ours.pop("score") == pytest.approx(theirs.pop("score"), abs=1e-6)
        assert together == alone


def test_request_fails_alone(predictor: Predictor, registry: CollectorRegistry) -> None:
    crude, failed, earn = predictor.respond_each([CRUDE, FAILING, EARN])
    assert isinstance(crude, bytes)
    assert isinstance(earn, bytes)
    assert isinstance(failed, InferenceError)
    assert registry.get_sample_value("newswire_text_words_count") == 2


def test_single_request_fails(predictor: Predictor) -> None:
    with pytest.raises(InferenceError):
        predictor.respond(FAILING)
    (outcome,) = predictor.respond_each([FAILING])
    assert isinstance(outcome, InferenceError)
