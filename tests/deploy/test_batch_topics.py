"""The batch job with models of any number of topics."""

import json
from pathlib import Path

import pytest

from tests.deploy.batch_runs import read_output, run_without_ray
from tests.synthetic_bundles import code_of, save_synthetic_bundle, text_of


@pytest.mark.parametrize("n_topics", [2, 3, 46, 1_000])
def test_topics(n_topics: int, tmp_path: Path) -> None:
    model_dir = save_synthetic_bundle(tmp_path / "1", n_topics)
    ids = sorted({0, 1, n_topics // 2, n_topics - 1})
    source = tmp_path / "texts.jsonl"
    source.write_text("".join(json.dumps({"text": text_of(i)}) + "\n" for i in ids))
    run_without_ray(source, tmp_path / "out", "--model-dir", model_dir)
    rows = read_output(tmp_path / "out")
    assert [row["topic"] for row in rows] == [code_of(topic_id) for topic_id in ids]
