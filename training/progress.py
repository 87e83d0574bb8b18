"""Progress of a fit: a bar on a terminal, a line per epoch or step elsewhere."""

from typing import Any, Self

import keras
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class ProgressBar:
    """A bar on a terminal, in a ``with`` block; ``columns`` follow the steps and the time."""

    def __init__(self, console: Console, *columns: ProgressColumn) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            *columns,
            console=console,
            disable=not console.is_terminal,
        )

    def print_line(self, line: str) -> None:
        """Print a line where there is no terminal."""
        if not self._console.is_terminal:
            self._console.print(line, soft_wrap=True)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


class FitProgress(ProgressBar, keras.callbacks.Callback):  # type: ignore[misc]  # no types
    """Progress of Keras' ``fit``."""

    def __init__(self, title: str, console: Console) -> None:
        keras.callbacks.Callback.__init__(self)
        ProgressBar.__init__(self, console, TextColumn("{task.fields[scores]}"))
        self._title = title

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Create the bar."""
        steps = self.params["epochs"] * self.params["steps"]
        self._task = self._bar.add_task(self._title, total=steps, scores="")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Move the bar by a batch."""
        self._bar.advance(self._task)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Show the epoch's losses and accuracies."""
        scores = "  ".join(f"{name} {value:.3f}" for name, value in (logs or {}).items())
        self._bar.update(self._task, scores=scores)
        self.print_line(f"{self._title} {epoch + 1}/{self.params['epochs']}  {scores}")


class FitSteps(ProgressBar):
    """Progress of a number of fits, with the estimated time left."""

    def __init__(self, title: str, n_steps: int, console: Console) -> None:
        super().__init__(console, TextColumn("left"), TimeRemainingColumn())
        self._title, self._n_steps, self._n_done = title, n_steps, 0
        self._task = self._bar.add_task(title, total=n_steps)

    def advance(self) -> None:
        """Count a finished fit."""
        self._n_done += 1
        self._bar.advance(self._task)
        self.print_line(f"{self._title} {self._n_done}/{self._n_steps}")
