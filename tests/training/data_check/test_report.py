import io
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from rich.table import Table

from service.console import PlainConsole
from tests.training.data_check.texts import made_up_rows, read_files, row, wrong_topics
from training.data_check.check import check_rows
from training.data_check.report import (
    MAX_SUSPECTS,
    MAX_TOPICS,
    contents_table,
    report_tables,
    row_to_json,
)

ROWS, _ = wrong_topics(made_up_rows(40), every=20)


def test_json_report() -> None:
    rows = [
        *(
            item._replace(split="train", date=date(2026, 3, 1 + item.line % 9))
            for item in ROWS[:60]
        ),
        *ROWS[60:],
        *(row("rain", line=500), ROWS[7]._replace(topics=("science", "sport"), line=501)),
    ]
    found = replace(check_rows(rows), bad_rows=["desk.jsonl, line 9: bad"])
    report = json.loads(json.dumps(found.to_json()))
    assert report["rows"] == 122
    assert report["bad_rows"] == ["desk.jsonl, line 9: bad"]
    assert report["of_no_topic"] == report["of_several_topics"] == 1
    assert report["splits"] == {
        "train": {"texts": 60, "dates": ["2026-03-01", "2026-03-09"]},
        "no split": {"texts": 62, "dates": None},
    }
    assert report["topics"]["science"] == {"texts": 41, "primary": 41}
    assert sum(counts["primary"] for counts in report["topics"].values()) == 121
    assert report["findings"]["conflicting_duplicates"] == {
        "title": "of the exact duplicates: with other topics",
        "count": 1,
        "detail": "",
        "rows": [{"file": "desk.jsonl", "line": 501, "other": {"file": "desk.jsonl", "line": 8}}],
    }
    assert report["findings"]["label_errors"]["rows"][0].keys() == {"file", "line"}
    assert report["estimated_label_errors"] > 0


def test_suspects_and_others_are_all_rows_and_can_be_read_again(tmp_path: Path) -> None:
    """Corrected by the suggestions, all texts have their right topics."""
    given: dict[str, Any] = {
        "title": "Then",
        "date": date(2026, 3, 1),
        "id": "7",
        "split": "test",
        "group": "g",
    }
    rows = [item._replace(**given) if item.line % 2 else item for item in ROWS]
    report = check_rows(rows)
    suspects, others = list(report.suspects()), list(report.others())
    assert [item["line"] for item in suspects] == [rows[n].line for n in report.label_errors.rows]
    assert all({*item["suggested"]}.isdisjoint(item["topics"]) for item in suspects)
    corrected = [item | {"topics": item["suggested"]} for item in suspects]
    path = tmp_path / "corrected.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in [*corrected, *others]))
    read = {item.text: item for item in read_files([path])}
    right = {item.text: item.topics for item in made_up_rows(40)}
    assert sum(item.topics == right[text] for text, item in read.items()) > 0.95 * len(right)
    for item in rows:
        again = read[item.text]
        assert again._replace(file=item.file, line=item.line, topics=item.topics) == item


def test_fields_that_are_not_given_are_left_out() -> None:
    assert row_to_json(row("rain")) == {"text": "rain", "topics": []}


def shown(*tables: Table) -> list[str]:
    """Return the lines of tables, their cells joined by bars."""
    console = PlainConsole(file=io.StringIO(), width=300)
    for table in tables:
        console.print(table)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    cells = ([cell.strip() for cell in line.split("│")[1:-1]] for line in lines)
    return ["|".join(row).rstrip("|") for row in cells if row]


def test_tables_of_a_report() -> None:
    rows, _ = wrong_topics(made_up_rows(40), every=20)
    rows = [item._replace(split="train", date=date(2026, 3, 1)) for item in rows]
    copy = rows[7]._replace(topics=(), line=121)
    foreign = copy._replace(file="more.jsonl", topics=rows[7].topics, line=1)
    report = replace(check_rows([*rows, copy, foreign]), bad_rows=["a", "b"])
    lines = shown(*report_tables(report))
    for line in (
        "all|122",
        "train, 2026-03-01 to 2026-03-01|122",
        "of no topic|1",
        "left out, as they cannot be read|2",
        "words of a text: minimum 24, median 24, 95 % 24, maximum 24",
        "texts with the words of an earlier text|2"
        "|desk.jsonl:121 (as 8), more.jsonl:1 (as desk.jsonl:8)",
        "of the exact duplicates: with other topics|1|desk.jsonl:121 (as 8)",
    ):
        assert line in lines
    assert not any(line.startswith("texts of more than") for line in lines)  # there are none
    worst = [line for line in lines if line.startswith("desk.jsonl:") and line.count("|") == 4]
    assert 6 <= len(worst) <= MAX_SUSPECTS


def test_largest_topics_are_shown() -> None:
    rows = [row(f"rain {n} {m}", f"topic {n:02}") for n in range(MAX_TOPICS + 3) for m in range(5)]
    lines = shown(contents_table(check_rows(rows)))
    assert "topic 19|5|5" in lines
    assert "and 3 more topics" in lines
    assert not any(line.startswith("topic 20") for line in lines)


def test_nothing_found() -> None:
    lines = shown(*report_tables(check_rows(made_up_rows(40))))
    assert lines[-1] == "suspected label errors|0|about 0 labels are wrong"
