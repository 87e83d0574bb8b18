"""Runs of the batch job: concurrent runs, a changing input, an unreachable cluster."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deploy.batch.__main__ import cli
from deploy.batch.job import check_reachable, run
from deploy.batch.locations import Location
from deploy.batch.plan import PARTIAL_FOLDER, Plan, make_plan
from deploy.batch.worker import Job, PartitionClassifier
from service.model import load_bundle
from service.rows import CommandError, PredictionOptions
from tests.conftest import LATEST, ROOT
from tests.deploy.batch_runs import read_output

ROWS = [{"text": "Gold rose.", "id": 1}, {"text": "Oil fell.", "id": 2}]
OPTIONS = PredictionOptions(top_k=1, min_confidence=None)


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def plan_of(source: Path) -> Plan:
    return make_plan(Location.resolve(str(source)), OPTIONS, text=None, title=None, prefix="")


def classifier_of(plan: Plan, out: Path) -> PartitionClassifier:
    (out / PARTIAL_FOLDER).mkdir(parents=True)
    output = Location.resolve(str(out))
    return PartitionClassifier(Job(load_bundle(LATEST), plan, output, OPTIONS, 100))


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_partition_columns_are_kept(tmp_path: Path, ending: str) -> None:
    source, out = tmp_path / "year=2000", tmp_path / "out"  # the input itself is no partition
    write(source / f"year=1987/month=03/a.{ending}", ROWS)
    write(source / f"year=1988/place=New%20York/b.{ending}", ROWS)
    write(source / f"year=__HIVE_DEFAULT_PARTITION__/id=7/c.{ending}", ROWS)
    plan = plan_of(source)
    classifier = classifier_of(plan, out)
    for partition in plan.partitions:
        assert classifier(partition._asdict())["failure"] is None
    rows = read_output(out)
    assert [row["id"] for row in rows] == [1, 2] * 3  # a column of the file is not replaced
    assert [row["year"] for row in rows] == ["1987", "1987", "1988", "1988", None, None]
    assert [row["month"] for row in rows] == ["03", "03", None, None, None, None]
    assert [row["place"] for row in rows] == [None, None, "New York", "New York", None, None]
    assert all(row["topic"] for row in rows)
    for number, partition in enumerate(plan.partitions):
        metadata = pq.read_schema(out / f"part-{number:06}.parquet").metadata
        assert metadata[b"newswire_topics.source"].decode() == f"{partition.path}:0"


def test_folder_column_with_the_name_of_a_result(tmp_path: Path) -> None:
    write(tmp_path / "topic=gold/a.jsonl", ROWS)
    with pytest.raises(CommandError, match=r"expected no column 'topic' .*--prefix"):
        plan_of(tmp_path)


def replace_file(path: Path) -> None:
    write(path, [{"text": "Tin rose.", "id": 3}] * 3)


def touch(path: Path) -> None:
    os.utime(path, ns=(0, 0))


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("change", [replace_file, touch, remove])
@pytest.mark.parametrize("when", ["before", "while"])
@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_changed_input_fails_its_partition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Any, when: str, ending: str
) -> None:
    source = write(tmp_path / f"a.{ending}", ROWS)
    plan = plan_of(source)
    classifier = classifier_of(plan, tmp_path / "out")
    if when == "before":
        change(source)
    else:
        predict = classifier._predict

        def predict_and_change(*args: Any) -> Any:
            change(source)
            return predict(*args)

        monkeypatch.setattr(classifier, "_predict", predict_and_change)
    failure = classifier(plan.partitions[0]._asdict())["failure"]
    assert failure.startswith(f"{source}: changed during the run; classify it again into another")
    assert list((tmp_path / "out").glob("part-*")) == []


HOLD = """
import sys
from deploy.batch.locations import Location
with Location.resolve(sys.argv[1]).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another run, which holds the output folder."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "out")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_output_is_locked_until_the_first_run_ends(
    tmp_path: Path, holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert callable(run)
    monkeypatch.setattr("deploy.batch.__main__.run", lambda *_args: iter(()))
    source, out = write(tmp_path / "a.jsonl", ROWS), tmp_path / "out"
    partial = out / PARTIAL_FOLDER / "of the first run"
    partial.parent.mkdir()
    partial.touch()
    with pytest.raises(CommandError, match="another run is writing to it; wait for it") as caught:
        cli([str(source), str(out)], standalone_mode=False)
    assert "\n" not in str(caught.value)
    assert partial.exists()
    holder.kill()
    holder.wait()
    cli([str(source), str(out)], standalone_mode=False)
    assert not partial.exists()
    assert [path.name for path in out.iterdir()] == ["_run.json"]


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "ray://127.0.0.1:{}"])
def test_unreachable_cluster_is_one_line(form: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = form.format(server.getsockname()[1])
        check_reachable(address)
    began = time.monotonic()
    with pytest.raises(CommandError, match="RAY_ADDRESS: expected a Ray cluster at ") as caught:
        check_reachable(address)
    assert time.monotonic() - began < 5
    assert "\n" not in str(caught.value)
    assert address in str(caught.value)


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:port", "ray://", "127.0.0.1:99999"])
def test_invalid_ray_address(address: str) -> None:
    with pytest.raises(CommandError, match="RAY_ADDRESS: expected "):
        check_reachable(address)
    for named in ("auto", "local"):
        check_reachable(named)


def test_command_reports_unreachable_cluster(tmp_path: Path) -> None:
    source = write(tmp_path / "a.jsonl", ROWS)
    shown = subprocess.run(
        [sys.executable, "-m", "deploy.batch", str(source), str(tmp_path / "out")],
        cwd=ROOT,
        env=os.environ | {"RAY_ADDRESS": "127.0.0.1:1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert shown.returncode == 1
    (line,) = shown.stderr.splitlines()
    assert line.startswith("error: RAY_ADDRESS: expected a Ray cluster at '127.0.0.1:1', got: ")


def test_partition_has_size_and_time_of_its_file(tmp_path: Path) -> None:
    (partition,) = plan_of(write(tmp_path / "a.jsonl", ROWS)).partitions
    info = (tmp_path / "a.jsonl").stat()
    assert (partition.file_size, partition.modified) == (info.st_size, info.st_mtime_ns)
