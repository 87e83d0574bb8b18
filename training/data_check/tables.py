"""The report on labelled rows as tables for the terminal."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from rich.table import Column, Table

from training.data.labelled_file import LabelledRow
from training.data_check.findings import TITLES, Finding
from training.data_check.report import DataReport

MAX_TOPICS: Final = 20
MAX_PLACES: Final = 3
MAX_SUSPECTS: Final = 10
MAX_CHARACTERS: Final = 60  # of a text


def report_tables(report: DataReport) -> Iterator[Table]:
    """Yield what is in the rows, what may be wrong with them, and the worst suspects."""
    yield contents_table(report)
    yield findings_table(report)
    if report.findings["label_errors"].rows:
        yield suspects_table(report)


def contents_table(report: DataReport) -> Table:
    """Show the numbers of texts, and the largest topics."""
    figures = (Column(name, justify="right") for name in ("texts", "as the first topic"))
    table = Table("", *figures, title="Texts")
    table.add_row("all", f"{len(report.rows):,}")
    for split, part in report.splits.items():
        dates = " to ".join(part["dates"] or ())
        table.add_row(f"{split}{', ' if dates else ''}{dates}", f"{part['texts']:,}")
    table.add_row("of several topics", f"{report.n_of_several:,}")
    table.add_row("of no topic", f"{report.n_of_none:,}")
    if report.bad_rows:
        table.add_row("left out, as they cannot be read", f"{len(report.bad_rows):,}")
    words = ", ".join(f"{name} {n:,}" for name, n in report.word_quantiles.items())
    table.add_row(f"words of a text: {words}", end_section=True)
    topics = report.topics
    for topic, n_texts in islice(topics.items(), MAX_TOPICS):
        table.add_row(topic, f"{n_texts['texts']:,}", f"{n_texts['primary']:,}")
    if len(topics) > MAX_TOPICS:
        table.add_row(f"and {len(topics) - MAX_TOPICS:,} more topics")
    return table


def findings_table(report: DataReport) -> Table:
    """Show how many rows each finding has, and the first of them."""
    table = Table("", Column("texts", justify="right"), "the first", title="Findings")
    for key, title in TITLES.items():
        finding = report.findings[key]
        if finding.rows or key == "label_errors":
            detail = [finding.detail] if finding.detail else _places(report.rows, finding)
            table.add_row(title, f"{len(finding.rows):,}", ", ".join(detail))
    return table


def suspects_table(report: DataReport) -> Table:
    """Show the worst suspected label errors."""
    columns = (Column("score", justify="right"), "given", "suggested", "text")
    table = Table("", *columns, title="Suspected label errors, worst first")
    for suspect in islice(report.suspects(), MAX_SUSPECTS):
        text = " ".join((suspect.get("title") or suspect["text"])[: 4 * MAX_CHARACTERS].split())
        table.add_row(
            f"{suspect['file']}:{suspect['line']}",
            f"{suspect['score']:.4f}",
            ", ".join(suspect["topics"]) or "none",
            ", ".join(suspect["suggested"]) or "none",
            text[:MAX_CHARACTERS],
        )
    return table


def _places(rows: Sequence[LabelledRow], finding: Finding) -> Iterator[str]:
    for number, row in enumerate(finding.rows[:MAX_PLACES]):
        place = f"{rows[row].file}:{rows[row].line}"
        if finding.others:
            other = rows[finding.others[number]]
            name = "" if other.file == rows[row].file else f"{other.file}:"
            place += f" (as {name}{other.line})"
        yield place
