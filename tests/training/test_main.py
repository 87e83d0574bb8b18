import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.model import load_bundle, save_bundle
from tests.conftest import LATEST, RELEASED, ROOT
from tests.networks import weights_of
from training.data.views import scores_by_view
from training.report.tables import SCORE_TITLES, VIEW_TITLES

TRAINING = [sys.executable, "-m", "training"]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TRAINING, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def assert_refused(shown: subprocess.CompletedProcess[str], message: str) -> None:
    assert shown.returncode == 1, shown.stderr
    (line,) = [line for line in shown.stderr.splitlines() if line.startswith("error: ")]
    assert message in line
    assert "Traceback" not in shown.stderr


def assert_shows_scores(table: str, name: str, scores: Mapping[str, Mapping[str, float]]) -> None:
    """A row of the table for each view of the text has exactly these scores."""
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in table.splitlines()]
    for view, values in scores.items():
        expected = [f"{values[key]:.4f}" if key in values else "" for key in SCORE_TITLES]
        assert [f"{name}, {VIEW_TITLES[view]}", *expected] in rows


@pytest.fixture(scope="module")
def run_with_seed_0(
    data_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The command of the README, in a process of its own."""
    out = tmp_path_factory.mktemp("run") / "1"
    source = ("--data", "reuters21578", "--data-dir", data_dir)
    return out, run("train", "--recipe", "mlp", "--seed", "0", "--out", out, *source)


def test_help_explains_itself() -> None:
    assert "Train, evaluate and release bundles" in run("--help").stdout
    shown = run("train", "--help").stdout
    for option in ("--recipe", "--data", "--seed", "--out", "--data-dir", "NEWSWIRE_DATA_DIR"):
        assert option in shown


def test_same_command_same_weights(
    run_with_seed_0: tuple[Path, subprocess.CompletedProcess[str]], trained_bundle: Path
) -> None:
    """Another process, but the same seed as `trained`."""
    out, shown = run_with_seed_0
    assert shown.returncode == 0, shown.stderr
    ours, theirs = (weights_of(load_bundle(folder).network) for folder in (out, trained_bundle))
    assert ours.keys() == theirs.keys()
    assert len(ours) == 6
    for name, weights in ours.items():
        np.testing.assert_array_equal(weights, theirs[name])


def test_run_shows_scores_and_writes_report(
    run_with_seed_0: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    out, shown = run_with_seed_0
    assert "Choosing the epochs 20/20" in shown.stdout
    for row in ("Keras", "article", "random guess", "largest class"):
        assert row in shown.stdout
    manifest = load_bundle(out).manifest
    command = "python -m training train --recipe mlp --data reuters21578 --seed 0 --out 1"
    assert manifest.command == command
    assert list(manifest.scores) == [
        *("keras", "article", "negatives", "stream", "headlines", "first_sentences")
    ]
    assert f"{manifest.scores['keras']['accuracy']:.4f}" in shown.stdout
    assert {path.name for path in (out / "evaluation").iterdir()} == {
        "metrics.json",
        "model_card.md",
        "curves.png",
        "confusion.png",
        "reliability.png",
    }
    assert list(out.parent.iterdir()) == [out]


def test_evaluate_shows_recorded_scores(
    run_with_seed_0: tuple[Path, subprocess.CompletedProcess[str]], data_dir: Path
) -> None:
    out, _ = run_with_seed_0
    shown = run("evaluate", out, RELEASED, "--by-topic", "--data-dir", data_dir)
    assert shown.returncode == 0, shown.stderr
    for path, bundle in ((out, out), (RELEASED, LATEST)):
        assert_shows_scores(shown.stdout, str(path), scores_by_view(load_bundle(bundle).manifest))
    assert "linear SVM" in shown.stdout
    assert "McNemar's p" in shown.stdout
    assert shown.stdout.count("money-supply") == 2 * 5  # two bundles, five views with a topic


def test_evaluate_on_keras_source(data_dir: Path) -> None:
    source = ("--data", "keras", "--data-dir", data_dir)
    shown = run("evaluate", RELEASED / "1", *source)
    scores = scores_by_view(load_bundle(RELEASED / "1").manifest)["keras"]
    unknown = ("single_topic_accuracy", "any_topic_accuracy")  # Keras has one label for each
    known = {key: value for key, value in scores.items() if key not in unknown}
    assert_shows_scores(shown.stdout, str(RELEASED / "1"), {"keras": known})
    assert "article" not in shown.stdout


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_leaves_no_files(
    data_dir: Path, tmp_path: Path, stop: signal.Signals
) -> None:
    out = tmp_path / "models" / "1"
    with subprocess.Popen(
        [*TRAINING, "train", "--recipe", "mlp", "--data-dir", str(data_dir), "--out", str(out)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Choosing the epochs 1/20")
        time.sleep(0.1)
        process.send_signal(stop)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + stop
    assert "Traceback" not in errors
    assert list(out.parent.iterdir()) == []


def test_non_empty_folder_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert_refused(run("train", "--out", tmp_path), "expected an absent or an empty folder")
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start trainings that wait for their data, which come from a pipe that never has data."""
    os.mkfifo(tmp_path / "data")
    with ExitStack() as stack:

        def start(*options: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [*TRAINING, "train", "--data-dir", "data", *options],
                cwd=tmp_path,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"not reserved: {path}"
        time.sleep(0.05)


def test_concurrent_runs_get_different_numbers(
    tmp_path: Path, waiting: Callable[..., subprocess.Popen[str]]
) -> None:
    for number in ("1", "2"):
        waiting()
        wait_for(tmp_path / "models" / "candidates" / number)


def test_second_run_into_locked_folder_fails(
    tmp_path: Path, waiting: Callable[..., subprocess.Popen[str]]
) -> None:
    waiting("--out", "out")
    wait_for(tmp_path / "out")
    _, errors = waiting("--out", "out").communicate(timeout=60)
    assert errors.startswith("error: out: another training run is writing to it")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    "source",
    [("--data", "keras"), ("--data", "reuters21578"), ("--source", "keras")],  # of earlier bundles
)
def test_missing_data_is_one_line_and_status_1(tmp_path: Path, source: tuple[str, str]) -> None:
    shown = run(*("train", *source, "--data-dir", tmp_path / "empty", "--out", tmp_path / "1"))
    assert_refused(shown, "leave out --data-dir to download it")
    assert list(tmp_path.iterdir()) == []


def test_missing_bundle_is_one_line_and_status_1(data_dir: Path, tmp_path: Path) -> None:
    shown = run("evaluate", tmp_path / "absent", "--data-dir", data_dir)
    assert_refused(shown, "expected a model bundle")


def test_evaluate_rejects_bundles_of_different_splits(bundle_copy: Path, tmp_path: Path) -> None:
    bundle = load_bundle(bundle_copy)
    data = bundle.manifest.data | {"split_seed": None}
    other = replace(bundle, manifest=replace(bundle.manifest, data=data))
    save_bundle(other, tmp_path / "by-date", {})
    shown = run("evaluate", bundle_copy, tmp_path / "by-date")
    assert_refused(shown, "expected bundles that were trained on one split")


def test_unknown_recipe_is_usage_error() -> None:
    shown = run("train", "--recipe", "soup", "--out", "x")
    assert shown.returncode == 2
    assert "'soup' is not" in " ".join(shown.stderr.split())


@pytest.mark.parametrize(
    "command",
    [
        ["train", "--seed"],
        ["train", "--split-seed"],
        ["ablate", "--out", "x", "--seed"],
        ["check-data", "x.jsonl", "--seed"],
    ],
)
def test_seed_that_is_too_high_is_usage_error(command: list[str]) -> None:
    shown = run(*command, str(2**32))
    assert shown.returncode == 2
    assert str(2**32 - 1) in shown.stderr


@pytest.mark.parametrize("name", ["..", "a/b", "candidates"])
def test_promotion_stays_in_a_folder_of_its_own(tmp_path: Path, name: str) -> None:
    bundle = load_bundle(LATEST)
    named = replace(bundle.manifest, name=name, version="1")
    save_bundle(replace(bundle, manifest=named), tmp_path / "1", {})
    shown = run("promote", tmp_path / "1")
    assert_refused(shown, f"expected --to FOLDER, as {name!r} is no name of a folder")
