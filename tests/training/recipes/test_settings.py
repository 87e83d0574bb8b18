from pathlib import Path
from typing import Any

import pytest

from training.data.dataset import DataError
from training.recipes import Recipe
from training.recipes.calibration import CalibrationSettings
from training.recipes.settings import read_settings
from training.recipes.svm import SVMSettings


@pytest.mark.parametrize(
    ("recipe", "assignments", "expected"),
    [
        (Recipe.LINEAR, [], {}),
        (Recipe.LINEAR, ["C=0.5"], {"svm": SVMSettings(C=0.5)}),
        (Recipe.LINEAR, ["svm.C = 2", "folds=3"], {"svm": SVMSettings(C=2.0), "folds": 3}),
        (
            Recipe.LINEAR,
            ["C=0.5", "any_topic_weight=0", "calibration.negative_factor=1e-1"],
            {
                "svm": SVMSettings(C=0.5, any_topic_weight=0.0),
                "calibration": CalibrationSettings(negative_factor=0.1),
            },
        ),
        (Recipe.MLP, ["hidden_units=32"], {"hidden_units": 32}),
    ],
)
def test_assignments(recipe: Recipe, assignments: list[str], expected: dict[str, Any]) -> None:
    assert read_settings(recipe, assignments) == expected


def test_assignments_override_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("folds = 4\nC = 1\n[calibration]\nstrength = 0.1\n")
    assert read_settings(Recipe.LINEAR, ["C=0.5"], file) == {
        "folds": 4,
        "svm": SVMSettings(C=0.5),
        "calibration": CalibrationSettings(strength=0.1),
    }


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("C", "--set: svm.C: expected a number above 0, got ''"),
        ("C=", "--set: svm.C: expected a number above 0, got ''"),
        ("C=0", "expected a number above 0, got 0"),
        ("C=-1", "got -1"),
        ("C=nan", "got nan"),
        ("C=inf", "got inf"),
        ("C=high", "got 'high'"),
        ("folds=1", "folds: expected a whole number of at least 2, got 1"),
        ("folds=2.5", "expected a whole number of at least 2, got 2.5"),
        ("seed=1", "expected a setting of the recipe linear, folds, features.min_newswires"),
        ("depth=1", "got 'depth'"),
        ("=1", "got ''"),
        (
            "negative_factor=1",
            "expected a setting of the recipe linear, svm.negative_factor, "
            "calibration.negative_factor, got 'negative_factor'",
        ),
    ],
)
def test_invalid_assignment(assignment: str, message: str) -> None:
    with pytest.raises(DataError) as raised:
        read_settings(Recipe.LINEAR, [assignment])
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"C = ", "expected a TOML file of settings: Invalid value"),
        (b"\xff", "expected a TOML file of settings"),
        (b"C = true", "svm.C: expected a number above 0, got True"),
        (b"[svm.C]\nx = 1", "svm.C: expected a number above 0, got {'x': 1}"),
        (None, "cannot be read: No such file"),
    ],
)
def test_invalid_file(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "settings.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DataError) as raised:
        read_settings(Recipe.LINEAR, (), file)
    assert message in str(raised.value)
    assert str(file) in str(raised.value)
