import json
import threading
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service import __version__
from service.api.open_inference.model import OPTIONAL, OUTPUTS
from service.model import InferenceError, TopicClassifier
from tests.conftest import LATEST

MODEL = "/v2/models/reuters"
VERSION = f"{MODEL}/versions/{LATEST.name}"
TEXTS = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["oil"]}


def test_the_server(client: TestClient) -> None:
    extensions = ["binary_tensor_data", "classification"]
    expected = {"name": "newswire-topics", "version": __version__, "extensions": extensions}
    assert client.get("/v2").json() == expected
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert schemas["ServerMetadata"]["required"] == [*expected]
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}


@pytest.mark.parametrize("model", [MODEL, VERSION])
def test_the_model(client: TestClient, classifier: TopicClassifier, model: str) -> None:
    metadata = client.get(model).json()
    assert (metadata["name"], metadata["versions"]) == ("reuters", [LATEST.name])
    assert [item["name"] for item in metadata["inputs"]] == ["text", "title"]
    absent = () if classifier.finds_all_topics else OPTIONAL
    names = [name for name in OUTPUTS if name not in absent]
    assert [item["name"] for item in metadata["outputs"]] == names
    assert client.get(f"{model}/ready").json() == {"name": "reuters", "ready": True}


@pytest.mark.parametrize("model", [MODEL, VERSION])
def test_the_outputs_are_those_of_the_metadata(client: TestClient, model: str) -> None:
    answer = client.post(f"{model}/infer", json={"inputs": [TEXTS]}).json()
    outputs = client.get(model).json()["outputs"]
    unasked = [item for item in outputs if item["name"] not in OPTIONAL]
    for described, given in zip(unasked, answer["outputs"], strict=True):
        assert (given["name"], given["datatype"]) == (described["name"], described["datatype"])
        for length, expected in zip(given["shape"], described["shape"], strict=True):
            assert expected in (-1, length)


@pytest.mark.parametrize(
    "model", ["/v2/models/other", f"{MODEL}/versions/0", f"/v2/models/other/versions/{LATEST.name}"]
)
def test_a_model_that_there_is_not(client: TestClient, model: str) -> None:
    expected = f"Expected model reuters, version {LATEST.name}: there is no other."
    answers = [client.get(model), client.get(f"{model}/ready"), client.post(f"{model}/infer")]
    for answer in answers:
        assert (answer.status_code, answer.json()) == (404, {"error": expected})


@pytest.mark.parametrize("path", ["/v2/", "/v2/repository/index", f"{MODEL}/explain"])
def test_an_address_that_there_is_not(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json().keys() == {"error"}


def test_an_address_that_only_begins_alike_has_a_problem(client: TestClient) -> None:
    assert client.get("/v2x").headers["content-type"] == "application/problem+json"


def test_a_method_that_there_is_not(client: TestClient) -> None:
    answer = client.get(f"{MODEL}/infer")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert "does not support the method" in answer.json()["error"]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (InferenceError("a sum of 2"), "The model returned no valid scores."),
        (KeyError("secret"), "The request may be valid."),
    ],
)
def test_errors_of_the_server(
    client: TestClient,
    classifier: TopicClassifier,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    sentence: str,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(classifier, "postprocess", fail)
    answer = client.post(f"{MODEL}/infer", json={"inputs": [TEXTS]})
    assert answer.status_code == 500
    assert answer.json()["error"].startswith(sentence)
    assert "secret" not in answer.text


def test_requests_do_not_wait_for_it(
    client: TestClient, classifier: TopicClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is answered in the worker's thread; meanwhile the event loop answers others."""
    began, goes_on = threading.Event(), threading.Event()
    infer = classifier.infer

    def wait(*args: Any) -> Any:
        began.set()
        assert goes_on.wait(30)
        assert threading.current_thread().name.startswith("classify")
        return infer(*args)

    monkeypatch.setattr(classifier, "infer", wait)
    answers = []
    ask = threading.Thread(
        target=lambda: answers.append(client.post(f"{MODEL}/infer", json={"inputs": [TEXTS]}))
    )
    ask.start()
    assert began.wait(30)
    assert client.get("/health/ready").status_code == 200
    assert not answers
    goes_on.set()
    ask.join(30)
    assert answers[0].status_code == 200


def test_it_is_described_in_openapi(client: TestClient) -> None:
    openapi = client.get("/openapi.json").json()
    operations = {
        operation["operationId"]: operation
        for path, methods in openapi["paths"].items()
        for operation in methods.values()
        if path.split("/")[1] == "v2"
    }
    model = {f"v2_{name}" for name in ("model", "model_ready", "model_version", "infer")}
    server = {f"v2_{name}" for name in ("server", "live", "ready")}
    assert operations.keys() == model | server | {"v2_model_version_ready", "v2_infer_version"}
    assert {operation["tags"][0] for operation in operations.values()} == {
        "Open Inference Protocol"
    }
    content = operations["v2_infer"]["requestBody"]["content"]
    assert content.keys() == {"application/json", "application/octet-stream"}
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/InferRequest"}
    assert openapi["components"]["schemas"]["InferRequest"]["required"] == ["inputs"]
    assert "$defs" not in json.dumps(openapi)
    error = operations["v2_infer"]["responses"]["default"]["content"]["application/json"]["schema"]
    assert error == {"$ref": "#/components/schemas/ErrorResponse"}
