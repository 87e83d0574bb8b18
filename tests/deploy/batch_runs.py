"""Run the batch job, and write data for it."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deploy.batch.__main__ import cli
from deploy.batch.partitions import Partition
from deploy.batch.worker import Job, PartitionClassifier
from tests.conftest import LATEST, ROOT

WORDS = [
    word
    for word in json.loads((LATEST / "vocabulary.json").read_text())
    if word.isascii() and word.isalpha()
][:8_000]


def start_batch(*args: object, coverage: bool = True) -> subprocess.Popen[str]:
    """Start ``python -m deploy.batch`` without a cluster."""
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    if not coverage:
        environment = {name: value for name, value in environment.items() if "COV" not in name}
    return subprocess.Popen(
        [sys.executable, "-m", "deploy.batch", *map(str, args)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_batch(*args: object) -> str:
    """Run it with Ray, and return what it printed."""
    process = start_batch(*args)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, out + err
    return out


def run_without_ray(*args: object) -> None:
    """Run it in this process, one partition after the other."""

    def run(job: Job, partitions: list[Partition], _: int | None) -> Iterator[Any]:
        classifier = PartitionClassifier(job)
        return (classifier(partition._asdict()) for partition in partitions)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("deploy.batch.__main__.run", run)
        cli([str(arg) for arg in args], standalone_mode=False)


def short_texts(n_texts: int, seed: int = 0) -> list[str]:
    """Return texts of 10 to 20 words of the vocabulary."""
    source = random.Random(seed)  # noqa: S311 - no secret
    return [" ".join(source.choices(WORDS, k=source.randint(10, 20))) for _ in range(n_texts)]


def write_parquet_files(folder: Path, *, n_files: int, n_rows: int) -> Path:
    """Write files of ``n_rows`` short texts each, with an ``id`` that counts all rows."""
    folder.mkdir(parents=True)
    for number in range(n_files):
        ids = range(number * n_rows, (number + 1) * n_rows)
        table = pa.table({"id": ids, "text": short_texts(n_rows, seed=number)})
        pq.write_table(table, folder / f"{number:03}.parquet")
    return folder


def read_output(folder: Path) -> list[dict[str, Any]]:
    """Return all rows, in the order of the input."""
    parts = sorted(folder.glob("part-*.parquet"))
    return [row for part in parts for row in pq.read_table(part).to_pylist()]
