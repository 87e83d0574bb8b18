"""Shows a fit as it goes: a live bar on a terminal, a line an epoch or a step elsewhere."""

from typing import Any, Self

import keras
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class FitProgress(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Draws the progress of ``fit``; to be used in a ``with`` block, which always tidies up.

    Parameters
    ----------
    title : str
        What is being fitted.
    console : Console
        Where to draw.
    """

    def __init__(self, title: str, console: Console) -> None:
        super().__init__()
        self._title = title
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[scores]}"),
            console=console,
            disable=not console.is_terminal,
        )

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Say how long the bar is."""
        steps = self.params["epochs"] * self.params["steps"]
        self._task = self._bar.add_task(self._title, total=steps, scores="")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Move the bar by a batch."""
        self._bar.advance(self._task)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Show the epoch's losses and accuracies."""
        scores = "  ".join(f"{name} {value:.3f}" for name, value in (logs or {}).items())
        self._bar.update(self._task, scores=scores)
        if not self._console.is_terminal:
            line = f"{self._title} {epoch + 1}/{self.params['epochs']}  {scores}"
            self._console.print(line, soft_wrap=True)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


class FitSteps:
    """Draws how many of the fits of a recipe are done, and about how long the others take.

    To be used in a ``with`` block, which always tidies up.

    Parameters
    ----------
    title : str
    n_steps : int
    console : Console
        Where to draw.
    """

    def __init__(self, title: str, n_steps: int, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(title, total=n_steps)

    def advance(self) -> None:
        """Note that a fit is done."""
        self._bar.advance(self._task)
        if not self._console.is_terminal:
            task = self._bar.tasks[self._task]
            line = f"{task.description} {task.completed:.0f}/{task.total:.0f}"
            self._console.print(line, soft_wrap=True)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
