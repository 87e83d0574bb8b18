"""Progress of a run on a terminal and elsewhere."""

import io
from collections.abc import Iterator
from typing import Any

import pytest

import deploy.batch.__main__ as batch
from service.console import PlainConsole
from service.rows import CommandError


def outcome(rows: int, failure: str | None = None) -> dict[str, Any]:
    errors = 1 if rows == 2_000 else 0
    return {"size": 25, "rows": rows, "abstained": 3, "errors": errors, "failure": failure}


def report(console: PlainConsole, *outcomes: dict[str, Any]) -> str:
    batch.report_progress(iter(outcomes), console, total=100, done=50)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_lines_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "LINE_SECONDS", 0)
    shown = report(PlainConsole(file=io.StringIO()), outcome(2_000), outcome(1))
    first, second, last = shown.splitlines()
    assert first.startswith(" 75%  2,000 rows, ")
    assert second.startswith("100%  2,001 rows, ")
    assert last.startswith("2,001 rows, ")
    assert ", 6 abstained, 1 errors, " in last


def test_only_the_summary_of_a_short_run() -> None:
    assert report(PlainConsole(file=io.StringIO()), outcome(2_000)).count("\n") == 1


def test_bar_on_a_terminal() -> None:
    console = PlainConsole(file=io.StringIO(), force_terminal=True, width=200)
    shown = report(console, outcome(2_000), outcome(1))
    assert " 50%" in shown
    assert "starting" in shown
    assert "2,001 rows, " in shown.splitlines()[-1]


def test_failed_partitions_are_an_error_at_the_end() -> None:
    ended: list[int] = []

    def outcomes() -> Iterator[dict[str, Any]]:
        yield outcome(0, "a.parquet: is gone")
        yield outcome(0, "b.parquet: is gone")
        ended.append(1)

    with pytest.raises(CommandError, match=r"^2 partitions failed, .*the first: a\.parquet: is"):
        batch.report_progress(outcomes(), PlainConsole(file=io.StringIO()), total=0, done=0)
    assert ended
