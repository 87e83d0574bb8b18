"""The stock client of the Open Inference Protocol asks for all topics of texts."""

from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from service.api.open_inference.model import OPTIONAL
from service.app import create_app
from service.model import TopicClassifier, load_classifier
from service.settings import ServiceSettings
from tests.synthetic_bundles import (
    ALL_TOPICS_THRESHOLD,
    NO_TOPIC_TEXT,
    save_synthetic_bundle,
    text_of,
    unsure_text,
)

HEADER_LENGTH = "inference-header-content-length"


@pytest.fixture(scope="module", params=[2, 1_000])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("all_topics") / "1"
    return load_classifier(save_synthetic_bundle(folder, request.param))


@pytest.fixture(scope="module")
def client(model: TopicClassifier) -> TestClient:
    return TestClient(create_app(ServiceSettings(), model, CollectorRegistry()))


@pytest.mark.parametrize("binary", [True, False])
def test_all_topics(client: TestClient, model: TopicClassifier, *, binary: bool) -> None:
    """Its own code writes the request and reads the response, in JSON or binary."""
    texts = np.array([text_of(0) + unsure_text(1), NO_TOPIC_TEXT], dtype=object)
    given = triton.InferInput("text", [2], "BYTES")
    given.set_data_from_numpy(texts, binary_data=binary)
    outputs = [triton.InferRequestedOutput(name, binary_data=binary) for name in OPTIONAL]
    body, length = triton.InferenceServerClient.generate_request_body([given], outputs=outputs)
    headers = {HEADER_LENGTH: str(length)} if length is not None else {}
    response = client.post("/v2/models/desk/infer", content=body, headers=headers)
    assert response.status_code == 200, response.text
    header = response.headers.get(HEADER_LENGTH)
    assert (header is not None) == binary
    result = triton.InferResult.from_response_body(
        response.content, header_length=None if header is None else int(header)
    )
    mask, probabilities = result.as_numpy("all_topics"), result.as_numpy("topic_probabilities")
    assert (mask.dtype, mask.shape) == (np.bool_, (2, len(model.topics)))
    assert np.flatnonzero(mask[0]).tolist() == [0, 1]
    assert not mask[1].any()
    assert (probabilities.dtype, probabilities.shape) == (np.float32, mask.shape)
    assert ((probabilities[0] >= ALL_TOPICS_THRESHOLD) == mask[0]).all()
