"""A service reloads models of other topics while clients send requests."""

import json
import re
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx2
import pytest

from tests.end_to_end.running_service import RunningService
from tests.hostile_bundles import renumber
from tests.service.reload.test_watcher import reloads, wait_until
from tests.synthetic_bundles import code_of, save_synthetic_bundle, text_of

pytestmark = pytest.mark.slow

N_TOPICS = (2, 1_000, 3, 46)


def has_topics(service: RunningService, n_topics: int) -> bool:
    return len(service.client.get("/topics").json()["topics"]) == n_topics


class Client:
    """Sends requests until it is stopped, and notes the responses."""

    def __init__(self, service: RunningService) -> None:
        self._address = f"http://127.0.0.1:{service.port}"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self.statuses: set[int] = set()
        self.versions: set[str] = set()
        self.wrong: list[str] = []

    def __enter__(self) -> "Client":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(timeout=30)

    def _send(self) -> None:
        body = {"items": [{"text": text_of(0)}, {"text": text_of(1)}], "top_k": 2}
        with httpx2.Client(base_url=self._address, timeout=30) as client:
            while not self._stopping.is_set():
                response = client.post("/classify/batch", json=body)
                self.statuses.add(response.status_code)
                content = response.json()
                self.versions.add(content["model"]["version"])
                topics = [answer["topic"] for answer in content["answers"]]
                if topics != [code_of(0), code_of(1)]:
                    self.wrong.append(response.text)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    save_synthetic_bundle(tmp_path / "models" / "1", N_TOPICS[0])
    models = str(tmp_path / "models")
    with RunningService(NEWSWIRE_MODEL_DIR=models, NEWSWIRE_MODEL_POLL_SECONDS="0.1") as found:
        yield found


def test_models_of_other_topics_are_reloaded_under_load(
    service: RunningService, tmp_path: Path
) -> None:
    counted: list[int] = []
    with Client(service) as client:
        for version, n_topics in enumerate(N_TOPICS[1:], 2):
            made = save_synthetic_bundle(tmp_path / "made" / str(version), n_topics)
            made.rename(tmp_path / "models" / str(version))
            wait_until(partial(has_topics, service, n_topics))
            last = {"text": text_of(n_topics - 1), "top_k": n_topics}
            topics = service.client.post("/classify", json=last).json()["topics"]
            assert (topics[0]["topic"], len(topics)) == (code_of(n_topics - 1), n_topics)
            too_many = last | {"top_k": n_topics + 1}
            assert service.client.post("/classify", json=too_many).status_code == 422
            shown = service.client.get("/metrics").text
            counted.append(len(re.findall(r"^newswire_predictions_total{", shown, re.MULTILINE)))
            baseline = re.findall(r"^newswire_drift_baseline_topics_ratio{", shown, re.MULTILINE)
            assert len(baseline) == n_topics
        wait_until(lambda: str(len(N_TOPICS)) in client.versions)
    assert (client.statuses, client.wrong) == ({200}, [])
    assert client.versions >= {"1", "4"}
    assert counted == [1_000, 1_000, 46]  # of the last two models; all have the same first topics


def test_a_model_of_other_topics_that_is_invalid_is_not_loaded(
    service: RunningService, tmp_path: Path
) -> None:
    """Its baseline has the topics of another."""
    made = save_synthetic_bundle(tmp_path / "made" / "2", 1_000)
    shutil.copy(tmp_path / "models" / "1" / "drift_baseline.json", made)
    manifest = json.loads((made / "manifest.json").read_text())
    of_first = json.loads((tmp_path / "models" / "1" / "manifest.json").read_text())
    manifest["files"]["drift_baseline.json"] = of_first["files"]["drift_baseline.json"]
    (made / "manifest.json").write_text(json.dumps(manifest))
    renumber(made)
    made.rename(tmp_path / "models" / "2")
    wait_until(lambda: reloads(service, "failed") == 1)
    assert len(service.client.get("/topics").json()["topics"]) == 2
