"""Batches and a reload at once stay under the memory limit of the container."""

import os
import re
import shutil
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Final

import httpx2
import pytest
import yaml
from pydantic_core import to_json

from service.model.repository import numbered_bundles
from tests.conftest import LATEST, RELEASED, ROOT
from tests.end_to_end.running_service import RunningService

N_BATCHES: Final = 10
"""As many as are accepted at once."""
N_TEXTS, N_CHARACTERS = 256, 19_100
EARLIER: Final = str(sorted(numbered_bundles(RELEASED))[-2])
MAX_SECONDS: Final = 120


def limit() -> int:
    """The memory limit of the service's container, in bytes."""
    service = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["service"]
    return int(service["deploy"]["resources"]["limits"]["memory"].removesuffix("M")) * 2**20


def resident(pid: int) -> int:
    """Resident bytes of a process and its children; what they share is counted twice."""
    try:
        tasks = Path(f"/proc/{pid}/task").glob("*/children")
        children = [int(child) for task in tasks for child in task.read_text().split()]
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:  # it has ended meanwhile
        return 0
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return (int(found[1]) * 1024 if found else 0) + sum(map(resident, children))


def make_batch(number: int) -> bytes:
    words = ["oil", "crude", "gold", "profit", "said", *(f"w{number}" for number in range(3_000))]
    texts = [
        " ".join(words[(text + number) * place % len(words)] for place in range(5_000))
        for text in range(N_TEXTS)
    ]
    return to_json({"items": [{"text": text[:N_CHARACTERS]} for text in texts]})


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_of_ten_batches_during_a_reload(tmp_path: Path) -> None:
    bodies = [make_batch(number) for number in range(N_BATCHES)]
    assert all(len(body) > 4_850_000 for body in bodies)
    shutil.copytree(RELEASED / EARLIER, tmp_path / EARLIER)
    done = Event()
    with (
        RunningService(NEWSWIRE_MODEL_DIR=str(tmp_path)) as service,
        ThreadPoolExecutor(N_BATCHES) as threads,
    ):
        peak = 0

        def send(body: bytes) -> set[int]:
            statuses = set()
            with httpx2.Client(base_url=service.client.base_url, timeout=60) as client:
                while not done.is_set():
                    headers = {"Content-Type": "application/json"}
                    answer = client.post("/classify/batch", content=body, headers=headers)
                    statuses.add(answer.status_code)
            return statuses

        sent = [threads.submit(send, body) for body in bodies]
        shutil.copytree(LATEST, tmp_path / f".{LATEST.name}")
        (tmp_path / f".{LATEST.name}").rename(tmp_path / LATEST.name)
        try:
            for look in range(MAX_SECONDS * 50):
                peak = max(peak, resident(service.process.pid))
                if look == 50:
                    os.kill(service.process.pid, signal.SIGHUP)
                if look % 50 == 0 and look > 50 and version(service) == LATEST.name:
                    break
                done.wait(0.02)
        finally:
            done.set()
        assert version(service) == LATEST.name
        assert set[int]().union(*(future.result() for future in sent)) <= {200, 429, 503}
    sys.stdout.write(f"\nat the most {peak / 2**20:.0f} MiB\n")
    assert peak < limit()


def version(service: RunningService) -> str:
    return str(service.client.get("/model").json()["version"])
