"""The report on labelled rows: as JSON, as rows of labelled files, and as tables."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NamedTuple

from rich.table import Column, Table

from training.data.columns import LabelledRow
from training.data_check.label_errors import LabelErrors

SPLITS: Final = ("train", "test", None)
MAX_TOPICS: Final = 20
MAX_PLACES: Final = 3
MAX_SUSPECTS: Final = 10
MAX_CHARACTERS: Final = 60  # shown of a text


class Finding(NamedTuple):
    """Rows with a possible fault."""

    title: str
    rows: Sequence[int]
    others: Sequence[int] = ()  # row that each row repeats, or shares its group with
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DataReport:
    """Contents of rows, and their possible faults."""

    rows: Sequence[LabelledRow]
    word_quantiles: Mapping[str, int]  # quantiles of the number of words of a text
    findings: Mapping[str, Finding]  # in the order of reports
    label_errors: LabelErrors
    bad_rows: Sequence[str] = ()  # a sentence on each row that could not be read
    replaced: Sequence[str] = ()  # a sentence on each file with rows that a later file replaces

    def to_json(self) -> dict[str, Any]:
        """Return the report without texts, as values for `json.dumps`."""
        texts = Counter(topic for row in self.rows for topic in row.topics)
        primary = Counter(topic for row in self.rows for topic in row.topics[:1])
        topics = sorted(texts, key=lambda topic: (-texts[topic], topic))
        return {
            "rows": len(self.rows),
            "bad_rows": list(self.bad_rows),
            "replaced": list(self.replaced),
            "of_several_topics": sum(len(row.topics) > 1 for row in self.rows),
            "of_no_topic": sum(not row.topics for row in self.rows),
            "words": dict(self.word_quantiles),
            "splits": self._splits(),
            "topics": {
                topic: {"texts": texts[topic], "primary": primary[topic]} for topic in topics
            },
            "estimated_label_errors": self.label_errors.n_estimated,
            "findings": {
                key: {
                    "title": finding.title,
                    "count": len(finding.rows),
                    "detail": finding.detail,
                    "rows": list(self._places(finding)),
                }
                for key, finding in self.findings.items()
            },
        }

    def suspects(self) -> Iterator[dict[str, Any]]:
        """Yield the suspected label errors, worst first, as rows of a labelled file.

        ``score`` is the probability that one of the given topics is correct.
        """
        errors = self.label_errors
        for number, score, suggested in zip(
            errors.rows, errors.scores, errors.suggested, strict=True
        ):
            row = self.rows[number]
            yield row_to_json(row) | {
                "suggested": list(suggested),
                "score": round(float(score), 6),
                "file": row.file,
                "line": row.line,
            }

    def others(self) -> Iterator[dict[str, Any]]:
        """Yield the rows that are no suspects, as rows of a labelled file."""
        suspects = set(self.label_errors.rows.tolist())
        return (row_to_json(row) for number, row in enumerate(self.rows) if number not in suspects)

    def _splits(self) -> dict[str, dict[str, Any]]:
        """Return the texts of each part of the split, with their first and last dates."""
        parts = {}
        for split in SPLITS:
            part = [row for row in self.rows if row.split == split]
            dates = [row.date.isoformat() for row in part if row.date]
            if part:
                span = [min(dates), max(dates)] if dates else None
                parts[split or "no split"] = {"texts": len(part), "dates": span}
        return parts

    def _places(self, finding: Finding) -> Iterator[dict[str, Any]]:
        for number, row in enumerate(finding.rows):
            place: dict[str, Any] = {"file": self.rows[row].file, "line": self.rows[row].line}
            if finding.others:
                other = self.rows[finding.others[number]]
                place["other"] = {"file": other.file, "line": other.line}
            yield place


def row_to_json(row: LabelledRow) -> dict[str, Any]:
    """Return the fields of a row that have a value, as a row of a labelled file."""
    values = row._asdict() | {
        "topics": list(row.topics),
        "date": row.date and row.date.isoformat(),
    }
    del values["file"], values["line"]
    return {key: value for key, value in values.items() if value is not None}


def report_tables(report: DataReport) -> Iterator[Table]:
    """Yield the contents of the rows, the findings, and the worst suspects."""
    yield contents_table(report)
    yield findings_table(report)
    if report.findings["label_errors"].rows:
        yield suspects_table(report)


def contents_table(report: DataReport) -> Table:
    """Show the numbers of texts, and the largest topics."""
    values = report.to_json()
    figures = (Column(name, justify="right") for name in ("texts", "as the first topic"))
    table = Table("", *figures, title="Texts")
    table.add_row("all", f"{values['rows']:,}")
    for split, part in values["splits"].items():
        dates = " to ".join(part["dates"] or ())
        table.add_row(f"{split}{', ' if dates else ''}{dates}", f"{part['texts']:,}")
    table.add_row("of several topics", f"{values['of_several_topics']:,}")
    table.add_row("of no topic", f"{values['of_no_topic']:,}")
    if values["bad_rows"]:
        table.add_row("left out, as they cannot be read", f"{len(values['bad_rows']):,}")
    words = ", ".join(f"{name} {n:,}" for name, n in values["words"].items())
    table.add_row(f"words of a text: {words}", end_section=True)
    topics = values["topics"]
    for topic, n_texts in islice(topics.items(), MAX_TOPICS):
        table.add_row(topic, f"{n_texts['texts']:,}", f"{n_texts['primary']:,}")
    if len(topics) > MAX_TOPICS:
        table.add_row(f"and {len(topics) - MAX_TOPICS:,} more topics")
    return table


def findings_table(report: DataReport) -> Table:
    """Show how many rows each finding has, and the first of them."""
    table = Table("", Column("texts", justify="right"), "the first", title="Findings")
    for key, finding in report.to_json()["findings"].items():
        if finding["rows"] or key == "label_errors":
            places = ", ".join(map(_place, finding["rows"][:MAX_PLACES]))
            table.add_row(finding["title"], f"{finding['count']:,}", finding["detail"] or places)
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


def _place(found: Mapping[str, Any]) -> str:
    """Return the place of a row, and of the one that it repeats, such as ``a.csv:3 (as 2)``."""
    place = f"{found['file']}:{found['line']}"
    if other := found.get("other"):
        name = "" if other["file"] == found["file"] else f"{other['file']}:"
        place += f" (as {name}{other['line']})"
    return place
