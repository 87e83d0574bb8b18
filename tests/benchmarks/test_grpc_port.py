"""``make bench ARGS=grpc`` with a few texts."""

import pytest
from rich.console import Console

from service.model import NewsText
from tests.benchmarks import grpc_port
from tests.benchmarks.grpc_port import Figures, cases, to_table

pytestmark = pytest.mark.slow


def test_ratios_are_those_of_a_round() -> None:
    figures = {
        "first": [Figures(100, 1), Figures(200, 2), Figures(100, 3)],
        "second": [Figures(300, 4), Figures(400, 5), Figures(200, 6)],
    }
    console = Console(width=100)
    with console.capture() as capture:
        console.print(to_table("a table", figures))
    cells = [line.split("│")[1:-1] for line in capture.get().splitlines() if "│" in line]
    assert [[cell.strip() for cell in row] for row in cells] == [
        ["first", "100", "1.00 (1.00 to 1.00)", "2.00"],
        ["second", "300", "2.00 (2.00 to 2.50)", "5.00"],
    ]


def test_it_measures(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    texts = [NewsText(f"Crude oil rose {number} cts.") for number in range(64)]
    monkeypatch.setattr(grpc_port, "released_corpus", lambda: texts)
    monkeypatch.setattr(grpc_port, "BATCH_SIZE", 16)
    monkeypatch.setattr(grpc_port, "console", Console(width=120))
    grpc_port.main(rounds=2, passes=8)
    shown = capsys.readouterr().out
    for n_texts in (1, 16):
        for case in cases(n_texts):
            assert case.name in shown
