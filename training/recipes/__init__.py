"""The recipes, each of which trains a model."""

from enum import StrEnum
from importlib import import_module
from types import ModuleType

from training.recipes.trained_model import TrainedModel

__all__ = ["Recipe", "TrainedModel"]


class Recipe(StrEnum):
    """Recipes; each is the module of its name."""

    MLP = "mlp"
    LINEAR = "linear"

    def load(self) -> ModuleType:
        """Import the module, whose ``fit`` trains a model: late, as TensorFlow takes seconds."""
        return import_module(f"training.recipes.{self.value}")
