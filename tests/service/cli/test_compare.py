"""``newswire compare``, with figures that are counted here by other means."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.cli.commands import cli
from service.cli.compare import find_labels
from service.cli.comparison import mcnemar_p_value
from service.rows import CommandError
from tests.conftest import RELEASED
from tests.synthetic_bundles import (
    NO_TOPIC_TEXT,
    code_of,
    save_synthetic_bundle,
    text_of,
    unsure_text,
)

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Bundles of 3 and of 5 topics: the first 3 are the same, the others are unknown to A."""
    folder = tmp_path_factory.mktemp("models")
    a = save_synthetic_bundle(folder / "a" / "1", 3)
    b = save_synthetic_bundle(folder / "b" / "2", 5)
    return str(a.parent), str(b)


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return path


def run(*arguments: object) -> None:
    cli(["compare", *map(str, arguments)], standalone_mode=False)


def compare(capfd: Capture, *arguments: object) -> dict[str, Any]:
    run(*arguments, "--json")
    found: dict[str, Any] = json.loads(capfd.readouterr().out)
    return found


ROWS = (
    {"text": text_of(0), "topics": [code_of(0)]},  # both right
    {"text": text_of(1), "topics": [code_of(2), code_of(1)]},  # both right: the second label
    {"text": text_of(3), "topic": code_of(3)},  # unknown words to A: B is right
    {
        "text": text_of(4),
        "label": f"{code_of(4)}|{code_of(0)}",
    },  # A's first of equals is right, too
    {"text": unsure_text(1, 4), "labels": [code_of(1)]},  # A knows one of the words, B both
    {"title": text_of(2), "topics": [code_of(0)]},  # both wrong
    {"text": text_of(2), "topics": ["elsewhere"]},  # a label that neither knows
    {"text": NO_TOPIC_TEXT, "topics": []},  # a text of no topic, from which both abstain
    {"text": text_of(2), "topics": ""},  # another one, for which both predict a topic
    {"text": text_of(2)},  # without labels
)


def test_bundles_of_different_topics(
    capfd: Capture, models: tuple[str, str], tmp_path: Path
) -> None:
    found = compare(capfd, *models, write(tmp_path / "desk.jsonl", *ROWS))
    a, b = found.pop("a"), found.pop("b")
    assert found == {
        "texts": 10,
        "same_topic": 8,
        "same_result": 7,
        "agreement": 0.8,
        "both_abstain": 1,
        "moves": [
            {"a": code_of(0), "b": code_of(4), "texts": 1, "neither_abstains": 0},
            {"a": code_of(0), "b": code_of(3), "texts": 1, "neither_abstains": 0},
        ],
        "labelled": 7,
        "labelled_no_topic": 2,
        "mcnemar": {"only_a_correct": 0, "only_b_correct": 1, "p_value": 1.0},
    }
    assert a == {
        "name": "desk",
        "version": "1",
        "topics": 3,
        "topics_of_this_alone": [],
        "abstained": 3,
        "abstentions": {"low_confidence": 2, "no_topic": 1},
        "accuracy": pytest.approx(4 / 7),
        "coverage": pytest.approx(5 / 7),
        "precision": pytest.approx(3 / 6),
        "labels_unknown": 2,
        "no_topic_abstained": 1,
    }
    assert b == {
        "name": "desk",
        "version": "2",
        "topics": 5,
        "topics_of_this_alone": sorted([code_of(3), code_of(4)]),
        "abstained": 2,
        "abstentions": {"low_confidence": 1, "no_topic": 1},
        "accuracy": pytest.approx(5 / 7),
        "coverage": pytest.approx(6 / 7),
        "precision": pytest.approx(4 / 7),
        "labels_unknown": 1,
        "no_topic_abstained": 1,
    }


def test_lines_that_differ_are_kept_as_they_were(
    capfd: Capture, models: tuple[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "differ.jsonl"
    out.write_text("of an earlier run\n")
    compare(capfd, *models, write(tmp_path / "desk.jsonl", *ROWS), "--out", out)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    predictions = [line.pop("predictions") for line in lines]
    assert lines == [ROWS[2], ROWS[3], ROWS[4]]
    assert [(each["a"]["topic"], each["b"]["topic"]) for each in predictions] == [
        (code_of(0), code_of(3)),
        (code_of(0), code_of(4)),
        (code_of(1), code_of(1)),
    ]
    assert [each["a"]["abstained"] for each in predictions] == ["low_confidence"] * 2 + [None]
    assert predictions[2]["b"] == {
        "topic": code_of(1),
        "score": pytest.approx(0.5, abs=0.01),
        "abstained": "low_confidence",
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["desk.jsonl", "differ.jsonl"]


def test_a_model_is_the_same_as_itself(
    capfd: Capture, models: tuple[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "differ.jsonl"
    rows = write(tmp_path / "desk.jsonl", *ROWS)
    found = compare(capfd, models[1], models[1], rows, rows, "--out", out)
    assert (found["texts"], found["agreement"], found["moves"]) == (20, 1, [])
    assert found["a"] == found["b"]
    assert found["mcnemar"] == {"only_a_correct": 0, "only_b_correct": 0, "p_value": 1}
    assert out.read_text() == ""


def test_text_without_labels_has_no_accuracy(
    capfd: Capture, models: tuple[str, str], tmp_path: Path
) -> None:
    rows = write(tmp_path / "desk.jsonl", {"text": text_of(0), "topics": None}, {"text": "x"})
    found = compare(capfd, *models, rows)
    assert (found["labelled"], found["labelled_no_topic"], found["mcnemar"]) == (0, 0, None)
    for model in (found["a"], found["b"]):
        for name in ("accuracy", "coverage", "precision", "labels_unknown", "no_topic_abstained"):
            assert model[name] is None


def test_tables(capfd: Capture, models: tuple[str, str], tmp_path: Path) -> None:
    run(*models, write(tmp_path / "desk.jsonl", *ROWS))
    summary, of_models, moves = capfd.readouterr().out.split("\n\n")
    assert "agreement\t0.8\n" in summary
    assert summary.endswith("mcnemar.p_value\t1")
    assert of_models.startswith("measure\ta\tb\nname\tdesk\tdesk\nversion\t1\t2\n")
    assert "\nabstentions.no_topic\t1\t1\naccuracy\t0.5714\t0.7143\n" in of_models
    assert moves.splitlines()[0] == "a\tb\ttexts\tneither_abstains"
    assert f"{code_of(0)}\t{code_of(3)}\t1\t0" in moves.splitlines()


def test_thresholds_of_a_request(capfd: Capture, models: tuple[str, str], tmp_path: Path) -> None:
    rows = write(tmp_path / "desk.jsonl", {"text": unsure_text(1, 4)})
    assert compare(capfd, *models, rows)["b"]["abstained"] == 1
    assert compare(capfd, *models, rows, "--min-confidence", "0.3")["b"]["abstained"] == 0


def test_lines_that_cannot_be_compared_are_named(
    capfd: Capture, models: tuple[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "desk.jsonl"
    write(path, ROWS[0], {"text": "a", "topics": [None]}, {"text": "a", "label": {}}, {"text": " "})
    with path.open("a") as file:
        file.write("\nno JSON\n")
    with pytest.raises(CommandError) as caught:
        run(*models, path, "--json", "--out", tmp_path / "out.jsonl")
    assert str(caught.value) == (
        f"4 of 5 lines could not be compared: "
        f"{path}, line 2: topics: expected a string, got null; "
        f"{path}, line 3: label: expected a list or a string (empty if no topic fits), "
        "got an object; "
        f"{path}, line 4: text, title: expected a text or a title that is not only white space, "
        "got only white space"
    )
    assert json.loads(capfd.readouterr().out)["texts"] == 1
    assert (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "desk.jsonl: expected at least one text, got no line"),
        ('{"text": ""}\n', "expected at least one text, got .*desk.jsonl, line 1: text, title"),
        (None, "desk.jsonl: there is no such file"),
    ],
)
def test_nothing_is_written_without_a_text(
    models: tuple[str, str], tmp_path: Path, content: str | None, message: str
) -> None:
    path = tmp_path / "desk.jsonl"
    if content is not None:
        path.write_text(content)
    out = tmp_path / "out.jsonl"
    out.write_text("of an earlier run\n")
    with pytest.raises(CommandError, match=message):
        run(*models, path, "--out", out)
    assert out.read_text() == "of an earlier run\n"
    assert {item.name for item in tmp_path.iterdir()} <= {"desk.jsonl", "out.jsonl"}


def test_output_is_another_file(models: tuple[str, str], tmp_path: Path) -> None:
    path = write(tmp_path / "desk.jsonl", *ROWS)
    before = path.read_bytes()
    with pytest.raises(CommandError, match="--out: expected another file than the input"):
        run(*models, path, "--out", tmp_path / "." / "desk.jsonl")
    with pytest.raises(CommandError, match="--out: expected a new or a regular file"):
        run(*models, path, "--out", tmp_path)
    with pytest.raises(CommandError, match=r"--out: expected .* in a folder that exists"):
        run(*models, path, "--out", tmp_path / "nowhere" / "out.jsonl")
    link = tmp_path / "link.jsonl"
    link.symlink_to(path)
    with pytest.raises(CommandError, match="--out: expected another file than the input"):
        run(*models, link, "--out", path)
    with pytest.raises(CommandError, match=r"--out: /proc/out\.jsonl cannot be written: No such"):
        run(*models, path, "--out", "/proc/out.jsonl")
    assert path.read_bytes() == before


def test_names_of_topics_are_labels(capfd: Capture, tmp_path: Path) -> None:
    """A name counts as its code, in each model by its own topics, unless two topics have it."""
    folders = [tmp_path / "a" / "1", tmp_path / "b" / "1"]
    names = (["Sci/Tech", "Same", "Same"], ["other", "Same", "t2"])
    for folder, named in zip(folders, names, strict=True):
        save_synthetic_bundle(folder, 3, codes=["t0", "t1", "t2"], names=named)
    path = write(
        tmp_path / "desk.jsonl",
        {"text": text_of(0), "topics": ["Sci/Tech"]},  # B has no such topic
        {"text": text_of(1), "topics": "Same"},  # A has two
        {"text": text_of(2), "topics": ["t2"]},  # a code, also where it is a name
    )
    found = compare(capfd, *folders, path)
    assert (found["a"]["accuracy"], found["a"]["labels_unknown"]) == (pytest.approx(2 / 3), 1)
    assert (found["b"]["accuracy"], found["b"]["labels_unknown"]) == (pytest.approx(2 / 3), 1)
    assert found["mcnemar"]["only_a_correct"] == found["mcnemar"]["only_b_correct"] == 1


def test_numbers_are_labels(capfd: Capture, tmp_path: Path) -> None:
    """As in training; one with more digits than Python converts is a label of no topic."""
    folder = save_synthetic_bundle(tmp_path / "1", 3, codes=["0", "1", "2"])
    path = tmp_path / "desk.jsonl"
    lines = [
        json.dumps({"text": text_of(1), "label": 1}),
        json.dumps({"text": text_of(2), "labels": [0, 2]}),
        json.dumps({"text": text_of(0), "topics": '["0"]', "id": 1})[:-1] + "2" * 5_000 + "}",
    ]
    path.write_text("\n".join(lines))
    found = compare(capfd, folder, folder, path)
    assert (found["labelled"], found["a"]["accuracy"], found["a"]["labels_unknown"]) == (3, 1, 0)


def test_key_of_the_predictions_can_be_renamed(
    capfd: Capture, models: tuple[str, str], tmp_path: Path
) -> None:
    path = write(tmp_path / "desk.jsonl", {"text": text_of(3), "predictions": 1})
    with pytest.raises(CommandError, match="expected no key 'predictions'"):
        run(*models, path)
    out = tmp_path / "out.jsonl"
    compare(capfd, *models, path, "--out", out, "--prefix", "new_")
    assert list(json.loads(out.read_text())) == ["text", "predictions", "new_predictions"]


def test_released_bundles(capfd: Capture, tmp_path: Path) -> None:
    text = "OPEC ministers agreed to cut crude oil output."
    rows = write(tmp_path / "desk.jsonl", {"text": text, "topic": "crude"})
    found = compare(capfd, RELEASED / "4", RELEASED, rows)
    assert (found["agreement"], found["a"]["accuracy"], found["b"]["accuracy"]) == (1, 1, 1)


@given(st.integers(0, 300), st.integers(0, 300))
@example(1, 9)
@example(15, 1_060)  # where scipy.stats.binomtest has 0
@example(3_000, 2_900)
def test_p_value_is_that_of_integers(n_only_a: int, n_only_b: int) -> None:
    n_texts = n_only_a + n_only_b
    tail = sum(math.comb(n_texts, k) for k in range(min(n_only_a, n_only_b) + 1))
    expected = min(1.0, 2 * tail / 2**n_texts)
    assert mcnemar_p_value(n_only_a, n_only_b) == pytest.approx(expected, rel=1e-9, abs=0)


@pytest.mark.parametrize(
    ("value", "labels"),
    [
        ({}, None),
        ({"topics": None, "label": None}, None),
        ({"topics": None, "label": "a"}, ("a",)),
        ({"topics": ["a", "b"], "topic": "c"}, ("a", "b")),
        ({"labels": " a | b "}, ("a", "b")),
        ({"topics": []}, ()),
        ({"topic": " "}, ()),
        ({"label": 3}, ("3",)),
        ({"label": [3, "a", "a"]}, ("3", "a")),
        ({"label": '["a", "b"]'}, ("a", "b")),
    ],
)
def test_labels(value: dict[str, Any], labels: tuple[str, ...] | None) -> None:
    assert find_labels(value) == labels
