"""Whole runs on generated data sets of other topics than Reuters'."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from service.model import NewsText, load_bundle, load_classifier
from tests.training.data_check.texts import made_up_rows
from tests.training.generated import generated_dataset
from training.data import Dataset
from training.data.loading import load_data
from training.data.options import DataOptions
from training.data_check.report import row_to_json
from training.pipeline import print_findings, train_on
from training.recipes import Recipe
from training.recipes.linear import C_OF_OTHER_TOPICS
from training.recipes.settings import read_settings


def run(dataset: Dataset, folder: Path, recipe: Recipe = Recipe.LINEAR, **changed: Any) -> Path:
    console = Console(file=io.StringIO())
    named: dict[str, Any] = {"settings": {}, "options": {"recipe": recipe}, "store_texts": True}
    train_on(dataset, recipe, folder, console, seed=0, **named | changed)
    return folder


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return generated_dataset(3, 300)


@pytest.fixture(scope="module")
def folder(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bundle of three topics without negatives."""
    return run(dataset, tmp_path_factory.mktemp("desk") / "1")


def test_bundle_of_other_topics(folder: Path, dataset: Dataset) -> None:
    classifier = load_classifier(folder)
    manifest = classifier.manifest
    assert manifest.name == "desk"
    assert not manifest.no_topic
    assert manifest.scores.keys() == {"article", "headlines", "first_sentences"}
    assert manifest.scores["article"]["accuracy"] > 0.8
    groups = {"features", "svm", "calibration", "all_topics"}
    assert manifest.recipe["settings"].keys() == {"seed", "folds", *groups}
    assert manifest.all_topics_thresholds.keys() == {topic.code for topic in classifier.topics}
    assert manifest.scores["article"]["all_topics_micro_f1"] > 0.8
    assert manifest.recipe["settings"]["svm"]["C"] in C_OF_OTHER_TOPICS
    assert classifier.drift_baseline is not None
    assert classifier.drift_baseline.n_texts == 60
    (prediction,) = classifier.classify(["word1x0 word1x1 word1x2 word1x3 common1 common2"])
    assert prediction.topics[0].topic.code == "topic1"
    assert prediction.no_topic is None


def test_another_setting_of_the_svms_does_not_choose_their_strength(
    dataset: Dataset, tmp_path: Path
) -> None:
    """Only a strength that is named is taken as it is."""
    chosen = []
    for assignments in (["any_topic_weight=0.5"], ["C=3"]):
        settings = read_settings(Recipe.LINEAR, assignments)
        bundle = run(dataset, tmp_path / assignments[0], settings=settings)
        chosen.append(load_bundle(bundle).manifest.recipe["settings"]["svm"])
    assert [each["any_topic_weight"] for each in chosen] == [0.5, 0.75]
    assert chosen[0]["C"] in C_OF_OTHER_TOPICS
    assert chosen[1]["C"] == 3


def test_report_has_no_word_of_reuters(folder: Path) -> None:
    card = (folder / "evaluation" / "model_card.md").read_text()
    for word in ("reuters", "keras", "newswire", "wire", "1987", "no topic fits", "negatives"):
        assert word not in card.lower(), word
    assert "240 generated texts with one of 3 topics, measured on 60 others." in card
    assert "| topic2 |" in card
    metrics = json.loads((folder / "evaluation" / "metrics.json").read_text())
    assert {"article", "out_of_fold", "baselines"} <= metrics.keys()
    for name in ("model.onnx", "topics.json", "goldens.json", "manifest.json"):
        assert b"reuters" not in (folder / name).read_bytes().lower()


def test_goldens_are_held_out_texts(folder: Path, dataset: Dataset) -> None:
    goldens = load_bundle(folder).goldens
    bodies = {article.body for article in dataset.test.articles}
    assert sum(golden.text in bodies for golden in goldens) == 24
    assert len({max(range(3), key=golden.probabilities.__getitem__) for golden in goldens}) == 3


def test_no_texts(dataset: Dataset, tmp_path: Path) -> None:
    out = run(dataset, tmp_path / "1", store_texts=False)
    goldens = load_bundle(out).goldens
    assert len(goldens) > 20
    stored = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file()).decode(
        errors="ignore"
    )
    for article in (*dataset.train.articles, *dataset.test.articles):
        assert article.body not in stored
        assert article.title not in stored
    load_classifier(out)


def test_same_command_same_bytes(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    folders = [run(dataset, tmp_path / name / "1") for name in ("a", "b")]
    first, second = (
        {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*")}
        for folder in folders
    )
    assert first == second
    assert load_bundle(folders[0]).manifest.created == "2023-11-14T22:13:20+00:00"


def test_negatives_give_no_topic(tmp_path: Path) -> None:
    folder = run(generated_dataset(2, 200, 100), tmp_path / "1")
    classifier = load_classifier(folder)
    assert classifier.manifest.no_topic
    scores = classifier.manifest.scores
    assert {"article", "negatives", "stream"} <= scores.keys()
    assert scores["stream"]["no_topic_auc"] > 0.8
    texts = [NewsText("common1 common2 common3 common4"), NewsText("word0x1 word0x2 word0x0")]
    none, some = (item.no_topic or 0 for item in classifier.classify(texts))
    assert none > 0.5 > some
    card = (folder / "evaluation" / "model_card.md").read_text()
    assert "and 80 without one, measured on 40 others and 20 without one" in card
    assert "`no_topic`" in card


def test_too_few_negatives_give_no_output(tmp_path: Path) -> None:
    folder = run(generated_dataset(2, 60, 4), tmp_path / "1")
    assert not load_classifier(folder).manifest.no_topic


def test_topics_of_5_texts(tmp_path: Path) -> None:
    folder = run(generated_dataset(4, 20, titles=False), tmp_path / "1")
    assert len(load_classifier(folder).topics) == 4


def test_settings_are_recorded(tmp_path: Path) -> None:
    settings = read_settings(Recipe.LINEAR, ["C=3", "folds=2"])
    recorded = load_bundle(run(generated_dataset(2, 40), tmp_path / "1", settings=settings))
    assert recorded.manifest.recipe["settings"]["svm"]["C"] == 3
    assert recorded.manifest.recipe["settings"]["folds"] == 2


def test_1000_topics(tmp_path: Path) -> None:
    settings = read_settings(Recipe.LINEAR, ["folds=2", "max_iterations=20", "C=0.7"])
    dataset = generated_dataset(1_000, 2_200, n_test=200, titles=False)
    folder = run(dataset, tmp_path / "1", settings=settings)
    classifier = load_classifier(folder)
    assert len(classifier.topics) == 1_000
    assert classifier.manifest.scores["article"]["accuracy"] > 0.5
    assert classifier.manifest.recipe["settings"]["folds"] == 2


def test_mlp(tmp_path: Path) -> None:
    dataset = generated_dataset(2, 60)
    settings = read_settings(Recipe.MLP, ["max_epochs=5", "hidden_units=8"])
    manifest = load_classifier(run(dataset, tmp_path / "1", Recipe.MLP, settings=settings)).manifest
    recorded = manifest.recipe["settings"]
    assert (recorded["max_epochs"], recorded["hidden_units"]) == (5, 8)
    assert recorded["validation_newswires"] == 60 * 4 // 5 // 5
    assert not manifest.no_topic


def test_findings_name_file_and_line(tmp_path: Path) -> None:
    """The places are those of the files, not of the split; the earlier text is the first there."""
    lines = [json.dumps(row_to_json(row)) for row in made_up_rows(10)]
    paths = [tmp_path / name for name in ("z.jsonl", "a.jsonl")]
    for path, part in zip(paths, ([*lines, lines[4]], lines[7:8]), strict=True):
        path.write_text("\n".join(part) + "\n")
    console = Console(file=io.StringIO(), width=1_000)
    options = DataOptions(data=tuple(map(str, paths)))
    print_findings(load_data(options), options, console)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert f"{paths[0]}:31 (as 5), {paths[1]}:1 (as {paths[0]}:8)" in shown
