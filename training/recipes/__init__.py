"""The recipes, each of which trains a model."""

from collections.abc import Mapping
from enum import StrEnum
from importlib import import_module
from typing import Protocol, cast

from rich.console import Console

from training.data import Split
from training.recipes.trained_model import TrainedModel

__all__ = ["Recipe", "TrainedModel", "fit"]


class Recipe(StrEnum):
    """Recipes; each is the module of its name."""

    MLP = "mlp"
    LINEAR = "linear"


class RecipeModule(Protocol):
    """The interface of a recipe's module."""

    def fit(
        self, train: Split, vocabulary: Mapping[str, int], *, seed: int, console: Console
    ) -> TrainedModel: ...


def fit(
    recipe: Recipe,
    train: Split,
    vocabulary: Mapping[str, int],
    *,
    seed: int,
    console: Console,
) -> TrainedModel:
    """Train a model by a recipe on newswires, showing progress on a console.

    Parameters
    ----------
    recipe : Recipe
    train : Split
    vocabulary : mapping of str to int
        Keras' word index, by which the split's words have their ids.
    seed : int
        The same seed on the same machine gives the same weights.
    console : Console
    """
    # imported late: importing TensorFlow takes seconds
    module = cast(RecipeModule, import_module(f"training.recipes.{recipe.value}"))
    return module.fit(train, vocabulary, seed=seed, console=console)
