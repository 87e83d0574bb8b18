"""The report of a reliability test: each figure and its bound."""

import sys
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table

EXIT_FAILED: Final = 1

console = Console() if sys.stdout.isatty() else Console(width=120)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure, and whether it keeps its bound.

    Attributes
    ----------
    name : str
    measured : str
    bound : str
        In words; empty where it is only told.
    holds : bool
    """

    name: str
    measured: str
    bound: str = ""
    holds: bool = True


def below(name: str, measured: float, bound: float, unit: str) -> Figure:
    """Return a figure that must be below a bound."""
    return Figure(name, f"{measured:,.1f} {unit}", f"< {bound:,.1f} {unit}", measured < bound)


def report(title: str, figures: list[Figure]) -> None:
    """Print a table of figures; exit with status 1 if a bound does not hold."""
    table = Table("", "measured", "must be", "", title=title)
    for figure in figures:
        verdict = ("yes" if figure.holds else "NO") if figure.bound else ""
        table.add_row(figure.name, figure.measured, figure.bound, verdict)
    console.print(table)
    if not all(figure.holds for figure in figures):
        sys.exit(EXIT_FAILED)
