"""From a file of labelled texts to an answer over HTTP, in the commands of the README."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Final

import pytest

from tests.conftest import ROOT
from tests.end_to_end.running_service import RunningService

pytestmark = pytest.mark.tensorflow

TOPICS: Final[Mapping[str, Sequence[str]]] = {
    topic: words.split(" ")
    for topic, words in {
        "sport": "keeper goal match league striker penalty coach stadium referee cup",
        "weather": "rain storm wind cloud sunshine frost forecast snow temperature flood",
        "music": "orchestra singer album concert guitar choir melody drummer festival tune",
    }.items()
}
COMMON: Final = tuple("abcdefghijklmnop")
N_TEXTS = 240


def write_texts(path: Path) -> None:
    """Write texts of each topic in turn, one of them with a wrong label."""
    random = Random(20)  # noqa: S311 - texts, not secrets
    names = list(TOPICS)
    with path.open("w") as file:
        for number in range(N_TEXTS):
            topic = names[number % len(names)]
            words = random.choices(TOPICS[topic], k=8) + random.choices(COMMON, k=16)
            random.shuffle(words)
            label = "music" if number == 100 else topic
            row = {"title": " ".join(words[:4]), "text": " ".join(words[4:]), "topics": [label]}
            file.write(json.dumps(row) + "\n")


def run(folder: Path, *arguments: str) -> str:
    shown = subprocess.run(
        [sys.executable, "-m", "training", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert shown.returncode == 0, shown.stdout + shown.stderr
    return shown.stdout


def test_three_commands_from_a_file_to_an_answer(tmp_path: Path) -> None:
    write_texts(tmp_path / "desk.jsonl")
    report = json.loads(run(tmp_path, "check-data", "desk.jsonl", "--json", "-"))
    assert report["rows"] == N_TEXTS
    assert report["findings"]["label_errors"]["rows"] == [{"file": "desk.jsonl", "line": 101}]

    shown = run(tmp_path, "train", "--data", "desk.jsonl", "--name", "desk")
    assert "suspected label errors" in shown
    shown = run(tmp_path, "promote", "models/candidates", "--to", "models/desk")  # its newest
    assert "Released as models/desk/1" in shown

    with RunningService(NEWSWIRE_MODEL_DIR=str(tmp_path / "models" / "desk")) as service:
        for topic, words in TOPICS.items():
            answer = service.client.post("/classify", json={"text": " ".join(words)}).json()
            assert (answer["topic"], answer["abstained"]) == (topic, None)
            assert answer["model"] == {"name": "desk", "version": "1"}
        topics = service.client.get("/topics").json()["topics"]
        assert sorted(topic["topic"] for topic in topics) == sorted(TOPICS)
