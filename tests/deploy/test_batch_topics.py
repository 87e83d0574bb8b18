"""The batch job with models of any number of topics."""

import json
from pathlib import Path

import pytest

from deploy.batch.results import result_arrays
from service.model import load_classifier
from service.rows import CommandError, PredictionOptions
from tests.deploy.batch_runs import read_output, run_without_ray
from tests.service.model.test_subjects import N_TOPICS, SUBJECTS
from tests.synthetic_bundles import (
    NO_TOPIC_TEXT,
    code_of,
    save_synthetic_bundle,
    text_of,
    unsure_text,
)


@pytest.mark.parametrize("n_topics", [2, 3, 46, 1_000])
def test_topics(n_topics: int, tmp_path: Path) -> None:
    model_dir = save_synthetic_bundle(tmp_path / "1", n_topics)
    ids = sorted({0, 1, n_topics // 2, n_topics - 1})
    source = tmp_path / "texts.jsonl"
    source.write_text("".join(json.dumps({"text": text_of(i)}) + "\n" for i in ids))
    run_without_ray(source, tmp_path / "out", "--model-dir", model_dir)
    rows = read_output(tmp_path / "out")
    assert [row["topic"] for row in rows] == [code_of(topic_id) for topic_id in ids]


@pytest.mark.parametrize("n_topics", [2, 1_000])
def test_all_topics(n_topics: int, tmp_path: Path) -> None:
    model_dir = save_synthetic_bundle(tmp_path / "1", n_topics)
    last = n_topics - 1
    texts = [text_of(last) + unsure_text(0), NO_TOPIC_TEXT, None, unsure_text(0, 1)]
    source = tmp_path / "texts.jsonl"
    source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    options = ("--model-dir", model_dir, "--top-k", 1)
    run_without_ray(source, tmp_path / "out", *options, "--all-topics", "--prefix", "p_")
    two, none, error, equal = read_output(tmp_path / "out")
    assert [each["topic"] for each in two["p_all_topics"]] == [code_of(last), code_of(0)]
    scores = [each["score"] for each in two["p_all_topics"]]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) > 1
    assert (none["p_abstained"], none["p_all_topics"]) == ("no_topic", [])
    assert (error["p_all_topics"], error["p_topics"]) == (None, None)
    assert error["p_error"]
    assert [each["topic"] for each in equal["p_all_topics"]] == [code_of(0), code_of(1)]
    run_without_ray(source, tmp_path / "plain", *options)
    assert "all_topics" not in read_output(tmp_path / "plain")[0]
    with pytest.raises(CommandError, match=r"belongs to another run: options\.all_topics"):
        run_without_ray(source, tmp_path / "plain", *options, "--all-topics")


def test_all_topics_of_a_model_that_cannot(tmp_path: Path) -> None:
    model_dir = save_synthetic_bundle(tmp_path / "1", 3, all_topics=False)
    source = tmp_path / "texts.jsonl"
    source.write_text(json.dumps({"text": text_of(0)}))
    with pytest.raises(CommandError, match=r"^--all-topics: expected a model with the output"):
        run_without_ray(source, tmp_path / "out", "--model-dir", model_dir, "--all-topics")
    assert not (tmp_path / "out").exists()


def test_rows_without_a_text_have_no_list() -> None:
    options = PredictionOptions(1, None, all_topics=True, subjects=True)
    arrays = result_arrays(["no text"], options)
    assert [array.to_pylist() for array in arrays[-3:]] == [["no text"], [None], [None]]


def test_subjects(tmp_path: Path) -> None:
    model_dir = save_synthetic_bundle(tmp_path / "7", N_TOPICS, subjects=SUBJECTS)
    texts: list[str | None] = [text_of(2), NO_TOPIC_TEXT, None, text_of(3)]
    source = tmp_path / "texts.jsonl"
    source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    options = ("--model-dir", model_dir)
    run_without_ray(source, tmp_path / "out", *options, "--subjects", "--all-topics")
    ships, none, error, without = read_output(tmp_path / "out")
    (expected,) = load_classifier(model_dir).classify([text_of(2)], all_topics=True, subjects=True)
    assert expected.subjects
    assert ships["subjects"] == [subject._asdict() for subject in expected.subjects]
    assert [subject["name"] for subject in ships["subjects"]] == ["ships", "sea"]
    assert (none["abstained"], none["subjects"]) == ("no_topic", [])
    assert error["error"]
    assert error["subjects"] is None
    assert without["subjects"] == []
    run_without_ray(source, tmp_path / "plain", *options)
    assert "subjects" not in read_output(tmp_path / "plain")[0]


def test_subjects_of_a_model_without_any(tmp_path: Path) -> None:
    model_dir = save_synthetic_bundle(tmp_path / "1", 3)
    source = tmp_path / "texts.jsonl"
    source.write_text(json.dumps({"text": text_of(0)}))
    with pytest.raises(CommandError, match=r"^subjects: expected a model whose topics have"):
        run_without_ray(source, tmp_path / "out", "--model-dir", model_dir, "--subjects")
