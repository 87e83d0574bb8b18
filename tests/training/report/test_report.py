import io
import json

import numpy as np
import pytest
from rich.console import Console

from service.model import load_bundle
from tests.conftest import RELEASED
from training.evaluation.evaluate import Evaluation
from training.report.report import report_files
from training.report.tables import comparison_table, summary_table, topic_tables

HISTORY = {
    "loss": [2.0, 1.0, 0.5],
    "accuracy": [0.5, 0.7, 0.9],
    "val_loss": [1.8, 1.2, 1.3],
    "val_accuracy": [0.5, 0.6, 0.6],
}
BASELINES = {"random_guess": 0.19, "largest_class": 0.36}


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 46, 200)
    return Evaluation(labels, generator.dirichlet(np.ones(46), 200).astype(np.float32))


def test_every_file_of_the_report(evaluation: Evaluation) -> None:
    bundle = load_bundle(RELEASED / "1")
    evaluations = {"keras": evaluation, "article": evaluation, "out_of_fold": evaluation}
    files = report_files(bundle.manifest, bundle.topics, HISTORY, evaluations, BASELINES)
    assert set(files) == {
        "metrics.json",
        "curves.png",
        "confusion.png",
        "reliability.png",
        "model_card.md",
    }
    for name, content in files.items():
        assert content.startswith(b"\x89PNG") == name.endswith(".png")
    metrics = json.loads(files["metrics.json"])
    assert metrics["keras"]["scores"] == evaluation.scores()
    assert metrics["history"] == HISTORY
    assert metrics["baselines"] == BASELINES
    assert len(metrics["article"]["topics"]) == 46

    card = files["model_card.md"].decode()
    assert f"{evaluation.scores()['accuracy']:.4f}" in card
    assert bundle.manifest.command in card
    assert "| random guess | 0.1900 |" in card
    for topic in bundle.topics:
        assert f"| {topic.code} |" in card


def test_tables_for_the_terminal(evaluation: Evaluation) -> None:
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(summary_table({"one": {"keras": evaluation}}, BASELINES))
    codes = [f"topic-{n}" for n in range(46)]
    console.print(*topic_tables({"one": {"keras": evaluation}}, codes))
    other = Evaluation(evaluation.labels, np.roll(evaluation.probabilities, 1, axis=0))
    console.print(comparison_table({"other": {"keras": other}}, {"keras": evaluation}))
    shown = console.export_text()
    gain = other.right.mean() - evaluation.right.mean()
    assert f"{gain:+.4f}" in shown
    assert f"{evaluation.scores()['accuracy']:.4f}" in shown
    assert "largest class" in shown
    assert "0.3600" in shown
    assert "topic-45" in shown
