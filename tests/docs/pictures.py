"""Draw the charts of docs/pictures from what was measured: ``python -m tests.docs.pictures``.

``--measure`` measures the baselines of the quality chart anew; it needs the Reuters data.
"""

import argparse
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.conftest import LATEST, ROOT
from tests.docs.benchmarks import NAMES
from training.data import Source, load_dataset
from training.evaluation.baselines import linear_svm, trivial_accuracies

FOLDER: Final = ROOT / "docs" / "pictures"
PEERS: Final = ROOT / "docs" / "benchmark_peers.json"
BASELINES: Final = ROOT / "docs" / "baselines.json"
BOOK: Final = ROOT / "models" / "reuters" / "1"
"""The bundle of the book's network."""
STYLE: Final[Mapping[str, Any]] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "svg.fonttype": "path",
    "svg.hashsalt": "newswire-topics",
    "text.color": "#1f2937",
}
CARD: Final = "#ffffff"
"""Behind every chart, so that it reads on a light page and on a dark one."""
BORDER: Final = "#d1d5db"
PALE: Final = "#6b7280"
OURS: Final = ("#0f766e", "#5eb5ad")
OTHERS: Final = ("#9ca3af", "#d1d5db")
INKS: Final = {OURS[0]: "white", OURS[1]: "black", OTHERS[0]: "black", OTHERS[1]: "black"}
"""Of a label inside a bar of each colour."""
OWN_CLASSIFIER: Final = ("FastAPI + fastText", "FastAPI + scikit-learn")
"""Targets that serve a classifier of their own."""
DESIRED_PRECISION: Final = 0.95

Rows = Mapping[str, Sequence[float | None]]
"""Of a grouped bar chart: a value for each group, None where there is none."""


def speed_rows(measured: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Return requests a second and p99 in milliseconds of each target, fastest first."""
    rows = {
        name: (row["requests_per_second"], row["p99"]) for name, row in measured["rows"].items()
    }
    return dict(sorted(rows.items(), key=lambda item: -item[1][0]))


def quality_rows() -> dict[str, tuple[float, float | None]]:
    """Return accuracy and macro F1 on the test newswires with their own text, best first."""
    served = _metrics(LATEST)["article"]["scores"]
    book = _metrics(BOOK)
    measured = json.loads(BASELINES.read_text())
    svm = measured["linear_svm"]["article"]
    return {
        f"models/reuters/{LATEST.name}, which is served": (served["accuracy"], served["macro_f1"]),
        "linear SVM on TF-IDF words": (svm["accuracy"], svm["macro_f1"]),
        "the book's network": tuple(
            book["own_text"]["scores"][name] for name in ("accuracy", "macro_f1")
        ),
        "always the largest class": (measured["trivial"]["largest_class"], None),
    }


def abstention_rows() -> dict[str, tuple[float, float]]:
    """Return precision and coverage for texts of three lengths."""
    metrics = _metrics(LATEST)
    names = {
        "whole newswires": "stream",
        "first sentences": "first_sentences",
        "headlines": "headlines",
    }
    return {
        name: (
            metrics[view]["scores"]["answered_accuracy"],
            metrics[view]["scores"]["coverage"],
        )
        for name, view in names.items()
    }


def _metrics(bundle: Path) -> Any:
    return json.loads((bundle / "evaluation" / "metrics.json").read_text())


def draw_speed(measured: Mapping[str, Any]) -> Figure:
    """Draw the requests a second of the service beside those of other model servers."""
    rows = speed_rows(measured)
    figure = _card(8, 4.3)
    axes = figure.add_axes((0.33, 0.15, 0.5, 0.72))
    longest = max(rate for rate, _ in rows.values())
    for place, (name, (rate, p99)) in enumerate(rows.items()):
        color = {"ours": OURS[0], "floor": OTHERS[1]}.get(name, OTHERS[0])
        axes.barh(place, rate, color=color, height=0.66)
        label = f"{rate:,.0f}  (p99 {p99:,.0f} ms)"
        axes.text(rate + longest * 0.01, place, label, va="center", fontsize=9)
    names = [NAMES.get(name, f"{name}*" * (name in OWN_CLASSIFIER) or name) for name in rows]
    axes.set_yticks(range(len(rows)), names)
    axes.get_yticklabels()[list(rows).index("ours")].set_fontweight("bold")
    axes.invert_yaxis()
    _plain(axes)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    _title(figure, "Requests per second, every text a different one")
    _note(
        figure,
        f"{measured['connections']} connections, one worker each. {measured['machine']}, "
        f"{measured['measured']}. Repeat it: make bench ARGS=peers",
        "The same classifier behind each server; * a classifier of their own.",
    )
    return figure


def draw_quality(
    quality: Rows, abstention: Rows, *, desired_precision: float = DESIRED_PRECISION
) -> Figure:
    """Draw accuracy and macro F1 beside the baselines, and precision and coverage by text."""
    figure = _card(10, 4.5)
    left = figure.add_axes((0.235, 0.21, 0.285, 0.52))
    _grouped_bars(left, quality, ("accuracy", "macro F1"), ours=next(iter(quality)))
    left.set_title("Without abstention", loc="left", fontsize=10, weight="bold", pad=24)
    right = figure.add_axes((0.675, 0.21, 0.285, 0.52))
    names = ("precision", "coverage")
    _grouped_bars(right, abstention, names)
    right.axvline(desired_precision, color="#b45309", linestyle=":", linewidth=1.4)
    right.set_title("With abstention", loc="left", fontsize=10, weight="bold", pad=24)
    _title(figure, "How good the topics are, on newswires that took no part in training")
    _note(
        figure,
        "Left: test newswires with a topic. Right: those without one too. Precision: share of the "
        "predictions without abstention that are correct.",
        "Coverage: share of texts with a topic without abstention. Dotted: the precision that the "
        f"thresholds aim at, {desired_precision:.0%}.",
    )
    return figure


def _grouped_bars(axes: Axes, rows: Rows, names: Sequence[str], ours: str | None = None) -> None:
    for number, name in enumerate(names):
        axes.barh([0], [0], color=OURS[number], label=name)
        for place, (row, values) in enumerate(rows.items()):
            value = values[number]
            if value is None:
                continue
            colors = OURS if ours in (None, row) else OTHERS
            at = place + 0.38 * (number - 0.5) * (None not in values)
            axes.barh(at, value, color=colors[number], height=0.34)
            inside = {"x": value - 0.015, "ha": "right", "color": INKS[colors[number]]}
            axes.text(y=at, s=f"{value:.3f}", va="center", fontsize=8.5, **inside)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1])
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.02, 0.99),
        ncols=2,
        fontsize=8,
        frameon=False,
        handlelength=1,
        columnspacing=1,
        borderaxespad=0,
    )
    _plain(axes)


def _card(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), facecolor=CARD, edgecolor=BORDER, linewidth=2)
    figure.set_layout_engine("none")
    return figure


def _plain(axes: Axes) -> None:
    axes.set_facecolor(CARD)
    axes.tick_params(length=0, labelsize=9)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(BORDER)


def _title(figure: Figure, text: str) -> None:
    figure.text(0.025, 0.92, text, fontsize=12, weight="bold", va="center")


def _note(figure: Figure, *lines: str) -> None:
    figure.text(
        0.025, 0.035, "\n".join(lines), fontsize=7.5, color=PALE, va="bottom", linespacing=1.5
    )


CHARTS: Final[Mapping[str, Callable[[], Figure]]] = {
    "speed": lambda: draw_speed(json.loads(PEERS.read_text())),
    "quality": lambda: draw_quality(quality_rows(), abstention_rows()),
}
"""Each chart of docs/pictures by the name of its file."""


def save(figure: Figure, path: Path) -> None:
    """Write a chart as SVG: the same bytes for the same numbers."""
    figure.savefig(path, format="svg", edgecolor=figure.get_edgecolor(), metadata={"Date": None})


def draw_all(folder: Path) -> None:
    """Write every chart into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({**STYLE}):
        for name, draw in CHARTS.items():
            save(draw(), folder / f"{name}.svg")


def measure_baselines() -> dict[str, Any]:
    """Return the scores of the baselines on Keras' split; takes about a minute."""
    dataset = load_dataset(
        Source.REUTERS21578, Path(os.environ.get("NEWSWIRE_DATA_DIR", ROOT / "data"))
    )
    return {
        "linear_svm": {
            view: dict(evaluation.scores()) for view, evaluation in linear_svm(dataset).items()
        },
        "trivial": trivial_accuracies(dataset),
    }


def main() -> None:
    """Measure the baselines if asked to, and write every chart."""
    parser = argparse.ArgumentParser(prog="python -m tests.docs.pictures", description=__doc__)
    parser.add_argument("--measure", action="store_true", help="measure the baselines anew")
    if parser.parse_args().measure:
        BASELINES.write_text(json.dumps(measure_baselines(), indent=1) + "\n")
    draw_all(FOLDER)


if __name__ == "__main__":
    main()
