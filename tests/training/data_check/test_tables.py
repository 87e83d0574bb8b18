import io
from datetime import date

from rich.table import Table

from service.console import PlainConsole
from tests.training.data_check.texts import made_up_rows, row, wrong_topics
from training.data_check.check import check_rows
from training.data_check.tables import MAX_SUSPECTS, MAX_TOPICS, contents_table, report_tables


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
    lines = shown(*report_tables(check_rows([*rows, copy, foreign], ["a", "b"])))
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
