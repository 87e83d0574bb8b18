"""Draws the panels of a Grafana dashboard with matplotlib, in its grid."""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

Panel = Mapping[str, Any]

COLUMNS: Final = 24
"""Width of Grafana's grid."""
COLUMN_INCHES: Final = 0.66
ROW_INCHES: Final = 0.38
INK: Final = "#24292e"
PALE: Final = "#6b7280"
CARD: Final = "#ffffff"
GROUND: Final = "#f4f5f5"
GRID: Final = "#e5e7eb"
NAMED: Final = {
    "green": "#56a64b",
    "yellow": "#f2cc0c",
    "orange": "#ff780a",
    "red": "#e02f44",
    "blue": "#1f78c1",
}
"""Grafana's colours of thresholds."""
PALETTE: Final = [
    *("#56a64b", "#f2cc0c", "#3274d9", "#ff780a", "#e02f44", "#a352cc", "#1f60c4"),
    *("#96d98d", "#8ab8ff", "#ffb357", "#ff7383", "#ca95e5", "#7c2ea3", "#b877d9"),
]
LEGEND_ROWS: Final = 3
LEGEND_COLUMNS: Final = {6: 2, 8: 3, 12: 5}
"""By the width of the panel."""


class Series(NamedTuple):
    """Samples of one combination of labels.

    Attributes
    ----------
    query : str
        ``refId`` of the query.
    name : str
        What the legend calls it.
    labels : mapping of str to str
    times : sequence of float
        Unix seconds; one for an instant query.
    values : sequence of float
    """

    query: str
    name: str
    labels: Mapping[str, str]
    times: Sequence[float]
    values: Sequence[float]


def legend_name(template: str, labels: Mapping[str, str]) -> str:
    """Return the name of a series as Grafana's ``legendFormat`` says it."""
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda match: labels.get(match[1], ""), template).strip()


def format_value(value: float, unit: str, decimals: int | None = None) -> str:
    """Return a value with its unit, as Grafana shows it."""
    if not np.isfinite(value):
        return "No data"
    match unit:
        case "percentunit":
            return f"{value * 100:.{2 if decimals is None else decimals}f}%".replace(".00%", "%")
        case "s":
            if value == 0:
                return "0 s"
            scale, name = next(
                (scale, name)
                for scale, name in ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (0, "ns"))
                if abs(value) >= scale
            )
            return f"{value / (scale or 1e-9):.3g} {name}"
        case "bytes":
            return f"{value / 2**20:.0f} MiB"
        case "reqps":
            return f"{value:.3g} req/s"
        case "cps":
            return f"{value:.3g} c/s"
    return f"{value:.{decimals}f}" if decimals is not None else f"{value:.4g}"


def short_number(value: float) -> str:
    """Return a number for a narrow label: 1.6k for 1,600."""
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


def threshold_color(panel: Panel, value: float) -> str:
    """Return the colour of the highest step of the thresholds that a value reaches."""
    reached = PALE
    for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]:
        if step["value"] is None or value >= step["value"]:
            reached = NAMED[step["color"]]
    return reached


def draw_dashboard(
    panels: Sequence[Panel], found: Mapping[int, Sequence[Series]], title: str
) -> Figure:
    """Draw every panel in its place.

    Parameters
    ----------
    panels : sequence of mapping
        Of the dashboard's JSON, with its rows.
    found : mapping of int to sequence of Series
        What the queries of each panel found, by the panel's id.
    title : str
        Above all of them.
    """
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels) + 2
    figure = Figure(figsize=(COLUMNS * COLUMN_INCHES, height * ROW_INCHES), facecolor=GROUND)
    figure.text(0.006, 1 - 0.7 / height, title, fontsize=15, weight="bold", color=INK, va="center")
    for panel in panels:
        place = panel["gridPos"]
        card = figure.add_axes(
            (
                place["x"] / COLUMNS + 0.002,
                1 - (place["y"] + place["h"] + 1.5) / height + 0.0006,
                place["w"] / COLUMNS - 0.004,
                place["h"] / height - 0.0012,
            )
        )
        card.set(xticks=[], yticks=[], xlim=(0, 1), ylim=(0, 1))
        is_row = panel["type"] == "row"
        card.set_facecolor(GROUND if is_row else CARD)
        card.spines[:].set_color(GROUND if is_row else GRID)
        if is_row:
            card.text(
                0.003, 0.45, panel["title"], fontsize=12, weight="bold", color=INK, va="center"
            )
            continue
        inches = place["h"] * ROW_INCHES
        card.text(
            0.12 / (place["w"] * COLUMN_INCHES),
            1 - 0.16 / inches,
            panel["title"],
            fontsize=9.5,
            weight="bold",
            color=INK,
            va="center",
        )
        DRAWERS[panel["type"]](card, panel, found[panel["id"]])
    return figure


def _plot_area(card: Axes, panel: Panel, *, below: float, left: float = 0.62) -> Axes:
    """Return axes inside a card, with room in inches for the title, the labels and the legend."""
    width = panel["gridPos"]["w"] * COLUMN_INCHES
    height = panel["gridPos"]["h"] * ROW_INCHES
    area = card.inset_axes(
        (left / width, below / height, 1 - (left + 0.15) / width, 1 - (below + 0.42) / height)
    )
    area.tick_params(labelsize=7, colors=PALE, length=0)
    area.grid(color=GRID, linewidth=0.6)
    area.set_axisbelow(True)
    area.spines[:].set_visible(False)
    return area


def _minutes(series: Series, start: float) -> list[float]:
    return [(time - start) / 60 for time in series.times]


def _label_minutes(area: Axes) -> None:
    area.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} min"))
    area.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))


def _no_data(card: Axes) -> None:
    card.text(0.5, 0.45, "No data", color=PALE, fontsize=11, ha="center", va="center")


def draw_stat(card: Axes, panel: Panel, found: Sequence[Series]) -> None:
    """Draw the last value of the first series, or its name, on the colour of its threshold."""
    options, defaults = panel["options"], panel["fieldConfig"]["defaults"]
    if not found:
        _no_data(card)
        return
    value = found[0].values[-1]
    color = threshold_color(panel, value)
    if options["colorMode"] == "background" and np.isfinite(value):
        card.set_facecolor(color)
        card.texts[0].set_color("white")
        color = "white"
    text = (
        found[0].name
        if options["textMode"] == "name"
        else format_value(value, defaults["unit"], defaults.get("decimals"))
    )
    card.text(
        0.5,
        0.42,
        text,
        color=color,
        fontsize=20 if len(text) < 12 else 14,
        ha="center",
        va="center",
    )
    if options["graphMode"] == "area" and len(found[0].values) > 1:
        area = card.inset_axes((0, 0, 1, 0.3))
        area.fill_between(range(len(found[0].values)), found[0].values, color=color, alpha=0.2)
        area.set_ylim(bottom=0)
        area.axis("off")


def draw_timeseries(card: Axes, panel: Panel, found: Sequence[Series]) -> None:
    """Draw a line for each series, or a stack, with the thresholds and a legend."""
    defaults = panel["fieldConfig"]["defaults"]
    custom = defaults["custom"]
    shown = [series for series in found if np.isfinite(series.values).any()]
    if not shown:
        _no_data(card)
        return
    area = _plot_area(card, panel, below=0.62)
    start = min(series.times[0] for series in shown)
    if custom["stacking"]["mode"] == "normal":
        times = sorted({time for series in shown for time in series.times})
        heights = [
            [dict(zip(series.times, series.values, strict=True)).get(time, 0.0) for time in times]
            for series in shown
        ]
        minutes = [(time - start) / 60 for time in times]
        area.stackplot(minutes, np.nan_to_num(heights), colors=PALETTE, alpha=0.7)
    for number, series in enumerate(shown):
        color = PALETTE[number % len(PALETTE)]
        if custom["stacking"]["mode"] != "normal":
            style = "--" if _is_dashed(panel, series.name) else "-"
            area.plot(_minutes(series, start), series.values, style, color=color, linewidth=1.3)
        area.plot([], [], color=color, linewidth=3, label=series.name)
    if custom["thresholdsStyle"]["mode"] == "dashed":
        top = area.get_ylim()[1]
        for step in defaults["thresholds"]["steps"]:
            if step["value"] is not None and step["value"] <= max(top, defaults.get("max", 0)):
                area.axhline(step["value"], color=NAMED[step["color"]], linestyle="--", linewidth=1)
    if "min" in defaults:
        highest = max(np.nan_to_num(series.values).max() for series in shown)
        area.set_ylim(bottom=defaults["min"], top=defaults.get("max", None if highest > 0 else 1))
    area.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: format_value(value, defaults["unit"]))
    )
    area.yaxis.set_major_locator(MaxNLocator(5))
    _label_minutes(area)
    _add_legend(area, panel, {series.name: max(np.nan_to_num(series.values)) for series in shown})


def _is_dashed(panel: Panel, name: str) -> bool:
    return any(
        override["matcher"]["id"] == "byRegexp"
        and re.fullmatch(override["matcher"]["options"], name)
        for override in panel["fieldConfig"]["overrides"]
    )


def _add_legend(area: Axes, panel: Panel, peaks: Mapping[str, float]) -> None:
    """Name the series below the plot; where they are too many, those with the highest peaks."""
    named = dict(zip(*reversed(area.get_legend_handles_labels()), strict=True))
    columns = LEGEND_COLUMNS[panel["gridPos"]["w"]]
    room = LEGEND_ROWS * columns
    names = list(named)
    if len(names) > room:
        highest = sorted(names, key=lambda name: -peaks[name])[:room]
        names = [name for name in names if name in highest]
    shown = {name: name for name in names}
    if len(names) < len(named):
        shown[names[-1]] += f", and {len(named) - len(names)} more"
    if any(names):
        area.legend(
            [named[name] for name in names],
            [shown[name] for name in names],
            loc="upper left",
            bbox_to_anchor=(-0.04, -0.1),
            ncols=columns,
            fontsize=6.5,
            frameon=False,
            labelcolor=PALE,
            handlelength=1.2,
            columnspacing=1,
            labelspacing=0.25,
            borderaxespad=0,
        )


def draw_state_timeline(card: Axes, panel: Panel, found: Sequence[Series]) -> None:
    """Draw a bar for each series, in the colours of its values over time."""
    area = _plot_area(card, panel, below=0.35, left=1.9)
    start = min(series.times[0] for series in found)
    for number, series in enumerate(found):
        minutes = _minutes(series, start)
        for (begin, end), value in zip(pairwise(minutes), series.values, strict=False):
            area.barh(
                number, end - begin, left=begin, color=threshold_color(panel, value), height=0.7
            )
    area.set_yticks(range(len(found)), [series.name for series in found])
    area.set_ylim(len(found) - 0.4, -0.6)
    area.grid(visible=False)
    _label_minutes(area)


def draw_table(card: Axes, panel: Panel, found: Sequence[Series]) -> None:
    """Draw a row for each series, with the labels in the order of the transformation."""
    (organize,) = (step for step in panel["transformations"] if step["id"] == "organize")
    order = organize["options"]["indexByName"]
    columns = sorted(order, key=order.__getitem__)
    widths = [
        4 + max(len(column), *(len(series.labels[column]) for series in found))
        for column in columns
    ]
    height = panel["gridPos"]["h"] * ROW_INCHES
    for place, column in enumerate(columns):
        x = 0.02 + sum(widths[:place]) / sum(widths)
        card.text(
            x, 1 - 0.5 / height, column, fontsize=8.5, weight="bold", color="#1f60c4", va="center"
        )
        for number, series in enumerate(
            sorted(found, key=lambda series: series.labels[columns[0]])
        ):
            y = 1 - (0.78 + 0.28 * number) / height
            card.text(x, y, series.labels[column], fontsize=8.5, color=INK, va="center")


def draw_heatmap(card: Axes, panel: Panel, found: Sequence[Series]) -> None:
    """Draw the buckets of a histogram over time; cumulative counts become those of each bucket."""
    buckets = sorted(found, key=lambda series: float(series.labels["le"]))
    times = sorted({time for series in buckets for time in series.times})
    cumulative = np.array(
        [
            [dict(zip(series.times, series.values, strict=True)).get(time, 0.0) for time in times]
            for series in buckets
        ]
    )  # (n_buckets, n_times)
    counts = np.diff(np.nan_to_num(cumulative), axis=0, prepend=0).clip(min=0)
    used = np.flatnonzero(counts.max(axis=1) > panel["options"]["filterValues"]["le"])
    if not len(used):
        _no_data(card)
        return
    rows = slice(used[0], used[-1] + 1)
    area = _plot_area(card, panel, below=0.35)
    minutes = [(time - times[0]) / 60 for time in times]
    area.pcolormesh(
        minutes,
        range(rows.stop - rows.start),
        np.ma.masked_less_equal(counts[rows] ** panel["options"]["color"]["exponent"], 0),
        cmap=panel["options"]["color"]["scheme"],
        edgecolors=CARD,
        linewidth=0.6,
    )
    unit = panel["options"]["yAxis"]["unit"]
    names = [series.labels["le"] for series in buckets[rows]]
    area.set_yticks(
        range(len(names)),
        [name if name == "+Inf" else format_value(float(name), unit) for name in names],
    )
    _label_minutes(area)


def joined_bars(panel: Panel, found: Sequence[Series]) -> tuple[list[str], dict[str, list[float]]]:
    """Return the categories of a bar chart and the bars of each query, joined and sorted."""
    field = panel["options"]["xField"]
    steps = {step["id"]: step["options"] for step in panel["transformations"]}
    renamed = steps["organize"]["renameByName"]
    values: dict[str, dict[str, float]] = {query: {} for query in renamed}
    for series in found:
        values[f"Value #{series.query}"][series.labels[field]] = series.values[-1]
    categories = list(dict.fromkeys(name for bars in values.values() for name in bars))
    (order,) = steps["sortBy"]["sort"]
    sort_by: Callable[[str], float] = (
        float if order["field"] == field else lambda name: values[order["field"]].get(name, 0.0)
    )
    categories.sort(key=sort_by, reverse=order["desc"])
    return categories, {
        name: [values[query].get(category, 0.0) for category in categories]
        for query, name in renamed.items()
    }


def draw_barchart(card: Axes, panel: Panel, found: Sequence[Series]) -> None:
    """Draw a group of bars for each category."""
    categories, bars = joined_bars(panel, found)
    rotation = -panel["options"]["xTickLabelRotation"]
    area = _plot_area(card, panel, below=1.25 if rotation else 0.62)
    for number, (name, heights) in enumerate(bars.items()):
        places = np.arange(len(categories)) + 0.4 * number - 0.2
        area.bar(places, heights, width=0.38, color=PALETTE[number], alpha=0.85, label=name)
    area.set_xticks(
        range(len(categories)),
        categories if rotation else [short_number(float(name)) for name in categories],
        rotation=rotation,
        ha="right" if rotation else "center",
        fontsize=7 if rotation else 6,
    )
    area.set_xlim(-0.7, len(categories) - 0.3)
    area.grid(visible=False, axis="x")
    unit = panel["fieldConfig"]["defaults"]["unit"]
    area.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_value(value, unit)))
    area.yaxis.set_major_locator(MaxNLocator(5))
    legend_below = -0.55 if rotation else -0.12
    area.legend(
        loc="upper left",
        bbox_to_anchor=(-0.02, legend_below),
        ncols=2,
        fontsize=7,
        frameon=False,
        labelcolor=PALE,
        borderaxespad=0,
    )


DRAWERS: Final[Mapping[str, Callable[[Axes, Panel, Sequence[Series]], None]]] = {
    "barchart": draw_barchart,
    "heatmap": draw_heatmap,
    "stat": draw_stat,
    "state-timeline": draw_state_timeline,
    "table": draw_table,
    "timeseries": draw_timeseries,
}
"""Of each type of panel that the dashboard has."""
