"""Settings of a recipe that the user changes: ``--set C=0.5`` or a TOML file."""

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from training.data.dataset import DataError
from training.recipes import Recipe

SEED: Final = "seed"  # set by an option of its own
MAY_BE_0: Final = frozenset({"igm_weight", "any_topic_weight"})
MINIMA: Final = {"folds": 2}
MAXIMA: Final = {"topic_precision": 1.0}


def read_settings(
    recipe: Recipe, assignments: Sequence[str] = (), file: Path | None = None
) -> dict[str, Any]:
    """Return changed settings of a recipe as keyword arguments of its ``fit``.

    A setting in a group, such as ``svm.C``, may be named without it if no other has its name; in a
    file the groups are tables. Assignments override the file. Raises `DataError` for unknown
    settings and invalid values.
    """
    if not assignments and file is None:
        return {}  # the recipe, which imports TensorFlow, is not loaded
    defaults = getattr(recipe.load(), f"{recipe.value.title()}Settings")(seed=0)
    known = {name: value for name, value in _flatten(asdict(defaults)) if name != SEED}
    given = [(str(file), *item) for item in _flatten(_read_file(file) if file else {})]
    for assignment in assignments:
        name, _, text = assignment.partition("=")
        given.append(("--set", name.strip(), _number(text.strip())))
    changed: dict[str, Any] = {}
    for where, name, value in given:
        full = _full_name(name, known, where, recipe)
        group, _, own = full.rpartition(".")
        number = _check(full, value, known[full], where)
        if group:  # keep the other settings of the group
            values = changed.get(group, getattr(defaults, group))
            changed[group] = replace(values, **{own: number})
        else:
            changed[own] = number
    return changed


def _flatten(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{own}", item) for own, item in value.items())
        else:
            yield name, value


def _full_name(name: str, known: Mapping[str, Any], where: str, recipe: Recipe) -> str:
    found = [full for full in known if name in (full, full.rpartition(".")[2])]
    if len(found) != 1:
        expected = found or known
        raise DataError(
            f"{where}: expected a setting of the recipe {recipe}, {', '.join(expected)}, "
            f"got {name!r}"
        )
    return found[0]


def _check(name: str, value: object, default: int | float, where: str) -> int | float:
    """Return a value as the type of the default."""
    own = name.rpartition(".")[2]
    whole = isinstance(default, int)
    lowest, highest = MINIMA.get(own, 0), MAXIMA.get(own, math.inf)
    if (
        isinstance(value, bool)
        or not isinstance(value, int if whole else int | float)
        or not math.isfinite(value)
        or not lowest <= value <= highest
        or (value == 0 and own not in MAY_BE_0)
    ):
        kind = "a whole number" if whole else "a number"
        bound = f"of at least {lowest}" if lowest or own in MAY_BE_0 else "above 0"
        bound += f" and at most {highest:g}" if own in MAXIMA else ""
        raise DataError(f"{where}: {name}: expected {kind} {bound}, got {value!r}")
    return value if whole else float(value)


def _number(text: str) -> object:
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"{path}: expected a TOML file of settings: {error}") from error
