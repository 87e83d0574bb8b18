import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from service.api.parsing import Limits, parse_classify_request
from service.api.predictor import Answerer
from service.api.problems import InvalidRequestError, MalformedBodyError
from service.model import InferenceError, TopicClassifier
from service.observability.health import ServiceHealth
from service.observability.metrics import ServiceMetrics

LIMITS = Limits(
    max_text_bytes=1_000,
    max_text_words=500,
    max_batch_size=9,
    max_explained_words=2_000,
    max_top_k=46,
)
CRUDE = {"text": "OPEC ministers agreed to cut crude oil production.", "top_k": 1}
EARN = {"text": "Net profit rose to 12 mln dlrs, or 80 cts a share.", "top_k": 2}
DOOMED = {"text": "doomed"}


def encode(request: Any) -> bytes:
    return json.dumps(request).encode()


class FailingClassifier(TopicClassifier):
    """Gives no probabilities for a text of one word, like a network gone wrong."""

    def infer(self, encoded: Any) -> NDArray[np.float32]:
        probabilities = super().infer(encoded)
        for row, text in zip(probabilities, encoded, strict=True):
            if text.n_words == 1:
                row[:] = np.nan
        return probabilities


@pytest.fixture
def answerer(classifier: TopicClassifier, registry: CollectorRegistry) -> Answerer:
    failing = FailingClassifier.__new__(FailingClassifier)
    failing.__dict__ = classifier.__dict__
    metrics = ServiceMetrics(registry)
    metrics.set_model(classifier)
    return Answerer(failing, metrics, LIMITS, ServiceHealth())


def test_each_is_answered_as_alone(answerer: Answerer) -> None:
    bodies = [encode(CRUDE), b"{", encode(EARN), encode({"text": ""})]
    crude, malformed, earn, blank = answerer.classify_each(bodies)
    assert isinstance(malformed, MalformedBodyError)
    assert isinstance(blank, InvalidRequestError)
    for outcome, body in ((crude, bodies[0]), (earn, bodies[2])):
        assert isinstance(outcome, bytes)
        together, alone = json.loads(outcome), json.loads(answerer.classify(body))
        assert together.pop("no_topic") == pytest.approx(alone.pop("no_topic"), abs=1e-6)
        for ours, theirs in zip(together["topics"], alone["topics"], strict=True):
            assert ours.pop("score") == pytest.approx(theirs.pop("score"), abs=1e-6)
        assert together == alone


def test_none_fails_for_another(answerer: Answerer, registry: CollectorRegistry) -> None:
    bodies = [encode(CRUDE), encode(DOOMED), b"{", encode(EARN)]
    crude, doomed, malformed, earn = answerer.classify_each(bodies)
    assert isinstance(crude, bytes)
    assert isinstance(earn, bytes)
    assert isinstance(doomed, InferenceError)
    assert isinstance(malformed, MalformedBodyError)
    assert registry.get_sample_value("newswire_text_words_count") == 2


def test_a_bug_in_parsing_fails_alone(answerer: Answerer, monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(body: bytes, limits: Limits) -> Any:
        if body == b"bug":
            raise RecursionError
        return parse_classify_request(body, limits)

    monkeypatch.setattr("service.api.predictor.parse_classify_request", parse)
    crude, bug = answerer.classify_each([encode(CRUDE), b"bug"])
    assert isinstance(crude, bytes)
    assert isinstance(bug, RecursionError)


def test_alone_it_fails_too(answerer: Answerer) -> None:
    with pytest.raises(InferenceError):
        answerer.classify(encode(DOOMED))
    (outcome,) = answerer.classify_each([encode(DOOMED)])
    assert isinstance(outcome, InferenceError)


def test_nothing_is_answered_with_nothing(answerer: Answerer) -> None:
    assert answerer.classify_each([]) == []
