"""A client that a stock generator makes from the OpenAPI document works, and is typed."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.end_to_end.running_service import RunningService

BIN = ROOT / ".venv" / "interface" / "bin"

SCRIPT = """
import sys

from newswire_client import Client
from newswire_client.api.classification import classify, classify_batch
from newswire_client.api.model import topics
from newswire_client.models import (
    Abstention, ClassifyResult, BatchItem, BatchRequest, BatchResponse, ClassifyRequest,
    ClassifyResponse, Problem, WordEffects,
)

with Client(base_url=sys.argv[1]) as client:
    request = ClassifyRequest(title="OPEC meets", text="Crude oil rose.", top_k=2, explain=True)
    answer = classify.sync(client=client, body=request)
    assert isinstance(answer, ClassifyResponse), answer
    assert answer.topic == "crude"
    assert [ranked.topic for ranked in answer.topics][0] == "crude"
    assert len(answer.topics) == 2
    assert answer.topics[0].score > 0.9
    assert answer.abstained is None
    assert isinstance(answer.explanation, WordEffects)
    assert answer.explanation.words[0].word == "OPEC"

    answer = classify.sync(client=client, body=ClassifyRequest(text="Crude", min_confidence=1.0))
    assert isinstance(answer, ClassifyResponse), answer
    assert answer.abstained is Abstention.LOW_CONFIDENCE

    items = [BatchItem(text="Net profit rose to 12 mln dlrs."), BatchItem(text=" ")]
    batch = classify_batch.sync(client=client, body=BatchRequest(items=items, top_k=1))
    assert isinstance(batch, BatchResponse), batch
    first, second = batch.answers
    assert isinstance(first, ClassifyResult)
    assert first.topic == "earn"
    assert isinstance(second, Problem)
    assert second.status == 422
    assert [error.field for error in second.errors] == ["items[1].text", "items[1].title"]

    answer = classify.sync(client=client, body=ClassifyRequest(title="Gold prices rise"))
    assert isinstance(answer, ClassifyResponse), answer
    assert answer.topic == "gold"

    problem = classify.sync(client=client, body=ClassifyRequest(text="Crude", top_k=47))
    assert isinstance(problem, Problem), problem
    assert problem.errors[0].field == "top_k"
    assert len(topics.sync(client=client).topics) == 46
"""


@pytest.fixture(scope="module")
def service() -> Iterator[RunningService]:
    subprocess.run(["make", ".venv/interface/.installed"], cwd=ROOT, check=True)
    with RunningService() as service:
        yield service


def test_client_classifies_with_typed_responses(service: RunningService, tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{service.port}"
    configuration = tmp_path / "configuration.yml"
    configuration.write_text("post_hooks: []\n")  # no formatter
    options = ["--url", f"{address}/openapi.json", "--config", str(configuration)]
    target = tmp_path / "newswire_client"
    made = subprocess.run(
        [
            BIN / "openapi-python-client",
            "generate",
            *options,
            "--meta",
            "none",
            "--output-path",
            str(target),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    # it has no form for that, so it offers the other one
    assert made.stderr.count("WARNING") == made.stderr.count("content type text/plain") == 1
    (tmp_path / "script.py").write_text(SCRIPT)
    used = subprocess.run(
        [BIN / "python", "script.py", address],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert used.returncode == 0, used.stderr
