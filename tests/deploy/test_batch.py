"""Results of the batch job, with and without Ray, are those of the classifier."""

import gzip
import json
import signal
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.model import NewsText, TopicClassifier, describe_blank, is_blank
from service.rows import CommandError
from tests.deploy.batch_runs import (
    read_output,
    run_batch,
    run_without_ray,
    short_texts,
    start_batch,
    write_parquet_files,
)
from tests.networks import save_two_topics

pytestmark = pytest.mark.slow

ARTICLE = "The bank cut its prime rate to 8 pct. " * 40
ROWS: list[dict[str, Any]] = [
    {"id": 0, "text": "OPEC ministers agreed to cut output.", "title": "Crude oil rises"},
    {"id": 1, "text": None, "title": "Gold prices rise"},
    {"id": 2, "text": " \n\t", "title": None},
    {"id": 3, "text": ARTICLE, "title": None},
    {"id": 4, "text": "!!! ???", "title": ""},
    {"id": 5, "text": "", "title": "Gold prices rise"},
    {"id": 6, "text": None, "title": None},
    *(
        {"id": 7 + number, "text": text, "title": None}
        for number, text in enumerate(short_texts(60))
    ),
]


def check_against(classifier: TopicClassifier, found: list[dict[str, Any]]) -> None:
    """Each row is unchanged, and has the result of the classifier for it alone."""
    assert [row["id"] for row in found] == [row["id"] for row in ROWS]
    for row, asked in zip(found, ROWS, strict=True):
        assert (row["text"], row["title"]) == (asked["text"], asked["title"])
        if is_blank(asked["text"], asked["title"]):
            assert row["error"] == f"text, title: {describe_blank(asked['text'])}"
            answer = ("topic", "score", "topics", "known_words", "abstained", "no_topic")
            assert all(row[name] is None for name in answer)
            continue
        (expected,) = classifier.classify([NewsText(asked["text"] or "", asked["title"])], top_k=2)
        assert row["error"] is None
        assert row["topic"] == expected.topics[0].topic.code
        assert [each["topic"] for each in row["topics"]] == [
            each.topic.code for each in expected.topics
        ]
        scores = [each.score for each in expected.topics]
        assert [each["score"] for each in row["topics"]] == pytest.approx(scores, abs=1e-6)
        assert row["score"] == row["topics"][0]["score"]
        assert row["known_words"] == expected.known_words_ratio
        assert row["abstained"] == expected.abstained
        assert row["no_topic"] == pytest.approx(expected.no_topic, abs=1e-6)


@pytest.mark.ray
def test_parquet_with_ray(tmp_path: Path, classifier: TopicClassifier) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    table = pa.Table.from_pylist(ROWS)
    pq.write_table(table.slice(0, 2), archive / "a.parquet")
    no_titles = table.slice(2, 1).set_column(2, "title", pa.nulls(1))
    pq.write_table(no_titles, archive / "b.parquet")  # the type of a column of nulls is null
    pq.write_table(table.slice(3), archive / "c.parquet", row_group_size=7)
    out = tmp_path / "out"
    shown = run_batch(archive, out, "--top-k", 2, "--workers", 2, "--batch-size", 10)
    check_against(classifier, read_output(out))
    schemas = {pq.read_schema(part).remove_metadata() for part in out.glob("part-*")}
    assert len(schemas) == 1
    metadata = pq.read_schema(out / "part-000000.parquet").metadata
    assert metadata[b"newswire_topics.model.version"].decode() == classifier.manifest.version
    assert f"{len(ROWS)} rows, " in shown
    assert " 2 errors, " in shown
    assert sorted(path.name for path in out.iterdir()) == [
        "_run.json",
        *(f"part-{number:06}.parquet" for number in range(3)),
    ]


def test_default_top_k_of_two_topics(tmp_path: Path) -> None:
    model = save_two_topics(tmp_path / "two" / "1")
    pq.write_table(pa.table({"text": ["Cocoa prices rose."]}), tmp_path / "a.parquet")
    run_without_ray(tmp_path / "a.parquet", tmp_path / "out", "--model-dir", model)
    (row,) = read_output(tmp_path / "out")
    assert {each["topic"] for each in row["topics"]} == {"cocoa", "grain"}


def test_no_topic_column(
    tmp_path: Path, no_topic_folder: Path, no_topic_classifier: TopicClassifier
) -> None:
    texts = ["oil", "rose", "oil rose", None]
    pq.write_table(pa.table({"text": texts}), tmp_path / "a.parquet")
    out = tmp_path / "out"
    run_without_ray(tmp_path / "a.parquet", out, "--model-dir", no_topic_folder)
    assert pq.read_schema(out / "part-000000.parquet").field("no_topic").type == pa.float32()
    *rows, last = read_output(out)
    assert [row["abstained"] for row in rows] == [None, "no_topic", "low_confidence"]
    answers = no_topic_classifier.classify(["oil", "rose", "oil rose"])
    expected = [answer.no_topic for answer in answers]
    assert [row["no_topic"] for row in rows] == pytest.approx(expected, abs=1e-6)
    assert last["no_topic"] is None


def test_json_lines(tmp_path: Path, classifier: TopicClassifier) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    lines = [json.dumps(row) + "\n" for row in ROWS]
    (archive / "a.jsonl").write_text("".join(lines[:20]).rstrip("\n"))
    (archive / "b.jsonl.gz").write_bytes(
        # two members, as where compressed files were put together by cat
        gzip.compress("".join(lines[20:30]).encode()) + gzip.compress("".join(lines[30:]).encode())
    )
    (archive / "notes.txt").write_text("no data")
    out = tmp_path / "out"
    run_without_ray(archive, out, "--top-k", 2)
    check_against(classifier, read_output(out))


@pytest.mark.ray
def test_killed_run_is_resumed_with_ray(tmp_path: Path) -> None:
    archive = write_parquet_files(tmp_path / "archive", n_files=40, n_rows=1_000)
    out = tmp_path / "out"
    command = (archive, out, "--workers", 2)
    with start_batch(*command) as process:
        try:
            deadline = time.monotonic() + 120
            while len(list(out.glob("part-*"))) < 3:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.01)
        finally:
            process.send_signal(signal.SIGKILL)
    finished = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*")}
    assert 3 <= len(finished) < 40
    shown = run_batch(*command)
    assert "Resuming: " in shown
    rows = read_output(out)
    assert [row["id"] for row in rows] == list(range(40_000))
    assert all(row["topic"] for row in rows)
    assert all((out / name).stat().st_mtime_ns == time_ns for name, time_ns in finished.items())
    assert not (out / "_partial").exists()
    assert "0 rows, " in run_batch(*command)


def test_truncated_file_fails_alone(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    lines = "".join(json.dumps({"text": text}) + "\n" for text in short_texts(20_000))
    (archive / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode())[:-1_000])
    (archive / "b.jsonl").write_text(lines)
    out = tmp_path / "out"
    with pytest.raises(CommandError, match=r"1 partitions failed, .*a\.jsonl\.gz"):
        run_without_ray(archive, out)
    assert [path.name for path in out.glob("part-*")] == ["part-000001.parquet"]
    assert len(read_output(out)) == 20_000
