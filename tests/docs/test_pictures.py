"""The charts draw what was measured, and those of docs/pictures are up to date."""

import json
import re
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from tests.conftest import LATEST, ROOT
from tests.docs.pictures import (
    BASELINES,
    CHARTS,
    FOLDER,
    PEERS,
    STYLE,
    draw_all,
    draw_quality,
    draw_speed,
    measure_baselines,
    quality_rows,
)
from training.data import Dataset

MEASURED = {
    "machine": "a machine",
    "measured": "2026-01-02",
    "connections": 4,
    "rows": {
        "slow": {"requests_per_second": 50.0, "p99": 200.0},
        "ours": {"requests_per_second": 1000.0, "p99": 2.0},
        "FastAPI + fastText": {"requests_per_second": 400.0, "p99": 30.0},
    },
}


def texts(figure: Figure) -> set[str]:
    return {text.get_text() for text in figure.findobj(mpl.text.Text)}


def widths(figure: Figure) -> list[float]:
    """Lengths of the bars, from top to bottom, without those of the legends."""
    bars = [bar for axes in figure.axes for bar in axes.patches if bar.get_width()]
    return [bar.get_width() for bar in sorted(bars, key=lambda bar: bar.get_y())]


def test_speed_is_drawn_fastest_first() -> None:
    figure = draw_speed(MEASURED)
    assert widths(figure) == [1000, 400, 50]
    (axes,) = figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["newswire-topics", "FastAPI + fastText*", "slow"]
    assert {"1,000  (p99 2 ms)", "400  (p99 30 ms)", "50  (p99 200 ms)"} <= texts(figure)
    assert any(
        "4 connections" in text and "a machine, 2026-01-02" in text for text in texts(figure)
    )


def test_quality_is_drawn_as_given() -> None:
    figure = draw_quality(
        {"a": (0.75, 0.5), "b": (0.25, None)}, {"c": (0.875, 0.625)}, desired_precision=0.9
    )
    assert sorted(widths(figure)) == [0.25, 0.5, 0.625, 0.75, 0.875]
    assert {"0.750", "0.500", "0.250", "0.875", "0.625"} <= texts(figure)
    assert any("90%" in text for text in texts(figure))


def test_quality_is_that_of_the_served_bundle() -> None:
    scores = json.loads((LATEST / "manifest.json").read_text())["scores"]["article"]
    first, *others = quality_rows().items()
    assert first[1] == (scores["accuracy"], scores["macro_f1"])
    assert first[0] == f"models/reuters/{LATEST.name}, which is served"
    assert [values[0] for _, values in others] == sorted(
        (values[0] for _, values in others), reverse=True
    )


def rounded(svg: str) -> str:
    """Return a picture with 1 decimal: other versions of numpy may differ in the last one."""
    return re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):.1f}", svg)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    draw_all(folder)
    return folder


@pytest.mark.parametrize("name", CHARTS)
def test_committed_charts_are_up_to_date(name: str, drawn: Path) -> None:
    """Else run ``make pictures``."""
    committed = (FOLDER / f"{name}.svg").read_text()
    assert rounded((drawn / f"{name}.svg").read_text()) == rounded(committed)
    assert "<dc:date>" not in committed


def test_charts_are_the_same_bytes_again(drawn: Path, tmp_path: Path) -> None:
    draw_all(tmp_path)
    for name in CHARTS:
        assert (tmp_path / f"{name}.svg").read_bytes() == (drawn / f"{name}.svg").read_bytes()


def test_other_numbers_give_another_picture(
    tmp_path: Path, drawn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = json.loads(PEERS.read_text())
    measured["rows"]["ours"]["requests_per_second"] *= 1.01
    other = tmp_path / "peers.json"
    other.write_text(json.dumps(measured))
    monkeypatch.setattr("tests.docs.pictures.PEERS", other)
    draw_all(tmp_path)
    speed, quality = ((tmp_path / f"{name}.svg").read_text() for name in ("speed", "quality"))
    assert rounded(speed) != rounded((drawn / "speed.svg").read_text())
    assert rounded(quality) == rounded((drawn / "quality.svg").read_text())


def test_style_needs_no_font_of_the_reader() -> None:
    assert STYLE["svg.fonttype"] == "path"
    assert [name for name in CHARTS if "<text" in (FOLDER / f"{name}.svg").read_text()] == []


def test_baselines_are_those_measured(
    corpus_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else run ``python -m tests.docs.pictures --measure``."""
    monkeypatch.setattr("tests.docs.pictures.load_dataset", lambda *_: corpus_dataset)
    committed = json.loads(BASELINES.read_text())
    measured = measure_baselines()
    assert measured["trivial"] == pytest.approx(committed["trivial"])
    for view, scores in committed["linear_svm"].items():
        assert measured["linear_svm"][view] == pytest.approx(scores, abs=1e-3)


def test_every_picture_is_shown_by_a_page() -> None:
    pages = "".join(path.read_text() for path in [*ROOT.glob("docs/**/*.md"), ROOT / "README.md"])
    for path in FOLDER.iterdir():
        assert f"pictures/{path.name})" in pages
