"""A bundle of 2 topics is served like any other: defaults, limits and texts follow the bundle."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from service.api.schemas import ClassifyResponse
from service.app import create_app
from service.model import TopicClassifier, load_classifier
from service.settings import ServiceSettings
from tests.conftest import ROOT
from tests.networks import save_two_topics

TEXT = "Ivory Coast sold 5,000 tonnes of cocoa."
INFER = {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": [TEXT]}]}
CODES = {"cocoa", "grain"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_two_topics(tmp_path_factory.mktemp("two") / "3")


@pytest.fixture(scope="module")
def two_topics(folder: Path) -> TopicClassifier:
    return load_classifier(folder)


@pytest.fixture
def client(two_topics: TopicClassifier, settings: ServiceSettings) -> TestClient:
    return TestClient(create_app(settings, two_topics, CollectorRegistry()))


def codes(result: Any) -> list[str]:
    return [topic["topic"] for topic in result["topics"]]


def test_python_returns_both_topics_by_default(two_topics: TopicClassifier) -> None:
    (found,) = two_topics.classify([TEXT])
    assert {ranked.topic.code for ranked in found.topics} == CODES
    with pytest.raises(ValueError, match="top_k: expected 1 to 2, got 3"):
        two_topics.classify([TEXT], top_k=3)


def test_classify_returns_both_topics_by_default(client: TestClient) -> None:
    response = client.post("/classify", json={"text": TEXT})
    ClassifyResponse.model_validate_json(response.content)
    assert set(codes(response.json())) == CODES
    assert len(codes(client.post("/classify", json={"text": TEXT, "top_k": 1}).json())) == 1


def test_plain_text_and_batch_return_both_topics_by_default(client: TestClient) -> None:
    plain = client.post("/classify", content=TEXT, headers={"Content-Type": "text/plain"})
    assert set(codes(plain.json())) == CODES
    batch = client.post("/classify/batch", json={"items": [{"text": TEXT}, {"title": TEXT}]})
    assert [set(codes(result)) for result in batch.json()["answers"]] == [CODES, CODES]


def test_open_inference_returns_both_topics_by_default(client: TestClient) -> None:
    for parameters in (None, {}, {"binary_data_output": False}):
        request = {**INFER, "parameters": parameters}
        response = client.post("/v2/models/pair/infer", json=request)
        outputs = {output["name"]: output for output in response.json()["outputs"]}
        assert set(outputs["topic"]["data"]) == CODES
        assert outputs["topic"]["shape"] == outputs["probabilities"]["shape"] == [1, 2]
    more = client.post("/v2/models/pair/infer", json={**INFER, "parameters": {"top_k": 3}})
    assert more.status_code == 422


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/classify", {"json": {"text": TEXT, "top_k": 3}}),
        ("/classify?top_k=3", {"content": TEXT, "headers": {"Content-Type": "text/plain"}}),
        ("/classify/batch", {"json": {"items": [{"text": TEXT}], "top_k": 3}}),
    ],
)
def test_three_topics_are_rejected(client: TestClient, path: str, sent: dict[str, Any]) -> None:
    response = client.post(path, **sent)
    assert response.status_code == 422
    message = "Input should be less than or equal to 2"
    assert response.json()["errors"] == [{"field": "top_k", "message": message}]


def run(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_command_line_returns_both_topics_by_default(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    options = ("--json", "--model-dir", str(folder))
    shown = run("service.cli", "classify", *options, str(tmp_path / "text.txt"))
    assert set(codes(json.loads(shown))) == CODES


def test_openapi_document_describes_two_topics(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert document["info"]["summary"] == "Which of 2 topics is this news text about?"
    schemas = document["components"]["schemas"]
    for name in ("ClassifyRequest", "BatchRequest"):
        top_k = schemas[name]["properties"]["top_k"]
        assert (top_k["default"], top_k["maximum"]) == (2, 2)
    for path in ("/classify", "/classify/batch"):
        operation = document["paths"][path]["post"]
        assert operation["requestBody"]["content"]["application/json"]["examples"]
        for example in operation["responses"]["200"]["content"]["application/json"][
            "examples"
        ].values():
            assert example["value"]["model"] == {"name": "pair", "version": "3"}
    assert not re.search(r"\b46\b|reuters", json.dumps(document), re.IGNORECASE)


@pytest.mark.parametrize("folder", ["service", "deploy"])
def test_code_knows_no_released_model(folder: str) -> None:
    """Except for the default of a setting, and the tokenizer that the bundles name."""
    for path in (ROOT / folder).rglob("*.*"):
        if path.suffix in (".pyc", ".so") or path.parts[-2] == "tests":
            continue  # series of Prometheus' tests are of some model
        text = re.sub(r"models/reuters|keras-reuters-1", "", path.read_text())
        assert not re.findall(r".*(?:\b46\b|reuters).*", text, re.IGNORECASE), path
