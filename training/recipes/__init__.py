"""The recipes, each of which trains a model."""

from collections.abc import Mapping
from enum import StrEnum
from importlib import import_module
from typing import Any

from rich.console import Console

from training.data import Split
from training.recipes.trained_model import TrainedModel

__all__ = ["Recipe", "TrainedModel", "fit"]


class Recipe(StrEnum):
    """Recipes; each is the module of its name."""

    MLP = "mlp"
    LINEAR = "linear"


def fit(
    recipe: Recipe,
    train: Split,
    vocabulary: Mapping[str, int],
    *,
    seed: int,
    console: Console,
    settings: Mapping[str, Any] | None = None,
) -> TrainedModel:
    """Train a model by a recipe and Keras' word index; the weights are repeatable on a machine.

    ``settings`` are those to change, of `training.recipes.settings.read_settings`.
    """
    # imported late: importing TensorFlow takes seconds
    module = import_module(f"training.recipes.{recipe.value}")
    changed = settings or {}
    model: TrainedModel = module.fit(train, vocabulary, seed=seed, console=console, **changed)
    return model
