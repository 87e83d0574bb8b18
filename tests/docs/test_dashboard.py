"""The dashboard is drawn from its JSON: every panel, with the values that were found."""

from itertools import islice
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.deploy.expressions import load_dashboard, load_panels
from tests.docs.dashboard import CAPTION, PICTURE, generate_requests, prometheus_config
from tests.docs.panels import (
    DRAWERS,
    NAMED,
    Series,
    draw_dashboard,
    format_value,
    joined_bars,
    legend_name,
    threshold_color,
)


def panel_of(title: str) -> dict[str, Any]:
    (panel,) = (panel for panel in load_panels() if panel["title"] == title)
    return panel


def draw(title: str, *series: Series) -> Figure:
    """Draw one panel at the top of a dashboard."""
    panel = panel_of(title)
    panel["gridPos"] |= {"x": 0, "y": 0}
    return draw_dashboard([panel], {panel["id"]: series}, "a title")


def texts(figure: Figure) -> set[str]:
    return {text.get_text() for text in figure.findobj(mpl.text.Text)}


def series_of(panel: dict[str, Any], target: dict[str, Any]) -> Series:
    """Return two samples with the labels that a panel may want."""
    labels = {"le": "0.5", "topic": "crude", "above": "0.5", "instance": "a:1", "name": "reuters"}
    labels |= {"version": "7", "recipe": "linear", "created": "2026-01-01"}
    return Series(
        target["refId"], legend_name(target["legendFormat"], labels), labels, (0, 5), (1, 2)
    )


def test_every_type_of_panel_is_drawn() -> None:
    assert {panel["type"] for panel in load_panels()} == set(DRAWERS)


def test_every_panel_and_row_is_drawn() -> None:
    panels = load_dashboard()["panels"]
    found = {
        panel["id"]: [series_of(panel, target) for target in panel.get("targets", [])]
        for panel in panels
    }
    figure = draw_dashboard(panels, found, "a title")
    assert {panel["title"] for panel in panels} <= texts(figure)
    assert "No data" not in texts(figure)


def test_no_data_is_shown() -> None:
    assert "No data" in texts(draw("Texts per second"))


def test_stat_has_its_unit_and_the_color_of_its_threshold() -> None:
    figure = draw("Error rate, 1 h", Series("A", "", {}, (0,), (0.02,)))
    assert "2%" in texts(figure)
    assert threshold_color(panel_of("Error rate, 1 h"), 0.02) == NAMED["red"]
    assert threshold_color(panel_of("Error rate, 1 h"), 0.0001) == NAMED["green"]


def test_lines_are_the_samples() -> None:
    figure = draw("Texts per second", Series("A", "texts", {}, (60, 120, 180), (3, 5, 4)))
    lines = [
        (list(line.get_xdata()), list(line.get_ydata()))
        for line in figure.findobj(mpl.lines.Line2D)
    ]
    assert ([0, 1, 2], [3, 5, 4]) in lines
    assert "texts" in texts(figure)


def test_heatmap_has_the_counts_of_each_bucket() -> None:
    counts = {"0.1": (1, 1), "0.2": (4, 1), "+Inf": (4, 10)}
    figure = draw(
        "Score over time",
        *(Series("A", le, {"le": le}, (0, 60), values) for le, values in counts.items()),
    )
    (mesh,) = figure.findobj(mpl.collections.QuadMesh)
    exponent = panel_of("Score over time")["options"]["color"]["exponent"]
    shown = np.ma.filled(mesh.get_array(), 0).reshape(3, 2) ** (1 / exponent)
    assert shown == pytest.approx(np.array([[1, 1], [3, 0], [0, 9]]))


def test_bars_are_joined_and_sorted_as_the_panel_says() -> None:
    found = [
        Series("A", "", {"topic": "crude"}, (0,), (0.1,)),
        Series("B", "", {"topic": "crude"}, (0,), (0.3,)),
        Series("B", "", {"topic": "earn"}, (0,), (0.7,)),
    ]
    topics, bars = joined_bars(panel_of("Topic distribution"), found)
    assert topics == ["earn", "crude"]
    assert bars == {"now": [0, 0.1], "in training": [0.7, 0.3]}
    found = [Series("A", "", {"above": above}, (0,), (1,)) for above in ("0.9", "0.05", "0.5")]
    assert joined_bars(panel_of("Score distribution"), found)[0] == ["0.05", "0.5", "0.9"]


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.25, "percentunit", "25%"),
        (0.0021, "s", "2.1 ms"),
        (0.00004, "s", "40 µs"),
        (2.5, "s", "2.5 s"),
        (100 * 2**20, "bytes", "100 MiB"),
        (12.34, "reqps", "12.3 req/s"),
        (float("nan"), "s", "No data"),
        (3, "none", "3"),
    ],
)
def test_values_have_grafanas_units(value: float, unit: str, shown: str) -> None:
    assert format_value(value, unit) == shown


def test_prometheus_has_the_rules_of_the_project() -> None:
    config = prometheus_config([1234])
    assert config["rule_files"][0].endswith("/deploy/prometheus/rules/*.yml")
    (job,) = config["scrape_configs"]
    assert job["job_name"] == "newswire"
    assert job["static_configs"][0]["targets"] == ["127.0.0.1:1234"]


def test_traffic_is_varied() -> None:
    sent = list(islice(generate_requests(), 500))
    assert {path for path, _ in sent} == {"/classify", "/classify/batch", "/predict"}
    assert len({str(content) for _, content in sent}) > 200


def test_the_picture_says_who_drew_it() -> None:
    assert "not by Grafana" in CAPTION
    assert PICTURE.read_bytes().startswith(b"\x89PNG")
