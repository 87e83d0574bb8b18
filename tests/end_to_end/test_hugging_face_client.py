"""The stock client of Hugging Face, unchanged, asks the running service."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from huggingface_hub import InferenceClient, set_client_factory
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils._http import default_client_factory
from prometheus_client import CollectorRegistry

from service.app import create_app
from service.model import TopicClassifier, load_bundle
from service.model.outputs import PROBABILITIES
from service.settings import ServiceSettings
from tests.conftest import LATEST
from tests.end_to_end.running_service import RunningService
from tests.service.api.routes.test_classify_batch import CRUDE, EARN

KEY = "a-good-key-of-24-letters"
TIMEOUT_SECONDS = 0.1
HEADERS = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="module")
def service() -> Iterator[RunningService]:
    with RunningService(NEWSWIRE_API_KEYS=KEY) as service:
        yield service


def client_of(service: RunningService, token: str = KEY) -> InferenceClient:
    return InferenceClient(model=f"http://127.0.0.1:{service.port}/predict", token=token)


@pytest.mark.parametrize("top_k", [None, 1, 3, 46])
def test_text_classification(service: RunningService, top_k: int | None) -> None:
    for text, label in ((CRUDE, "crude"), (EARN, "earn")):
        found = client_of(service).text_classification(text, top_k=top_k)
        asked = {"text": text, "top_k": top_k or 46}
        expected = service.client.post("/classify", json=asked, headers=HEADERS).json()["topics"]
        assert found[0].label == label
        assert [item.label for item in found] == [item["topic"] for item in expected]
        assert [item.score for item in found] == pytest.approx([i["score"] for i in expected])


def test_client_gets_the_error_message(service: RunningService) -> None:
    with pytest.raises(HfHubHTTPError, match="Expected a text that is not only") as raised:
        client_of(service).text_classification(" ")
    assert raised.value.response.status_code == 422
    with pytest.raises(HfHubHTTPError, match="401") as raised:
        client_of(service, "another-key-of-24-letter").text_classification(CRUDE)
    assert raised.value.response.status_code == 401


class Slow(TopicClassifier):
    """A classifier that takes longer than the service waits."""

    def infer(self, encoded: Any, output: str = PROBABILITIES) -> Any:
        time.sleep(5 * TIMEOUT_SECONDS)
        return super().infer(encoded, output)


def test_client_gets_service_unavailable() -> None:
    """A timeout of the service is not one of the client."""
    settings = ServiceSettings(request_timeout_seconds=TIMEOUT_SECONDS)
    app = create_app(settings, Slow(load_bundle(LATEST)), CollectorRegistry())
    set_client_factory(lambda: TestClient(app))
    try:
        client = InferenceClient(model="http://testserver/predict", token=KEY)
        with pytest.raises(HfHubHTTPError, match="503 Service Unavailable") as raised:
            client.text_classification(CRUDE)
    finally:
        set_client_factory(default_client_factory)
    assert raised.value.response.headers["Retry-After"]
    assert raised.value.response.json()["detail"].startswith("The request took longer than 0.1")
