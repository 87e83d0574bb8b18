"""The report on labelled rows."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from training.data.labelled_file import LabelledRow
from training.data_check.findings import TITLES, Finding
from training.data_check.label_errors import LabelErrors

SPLITS: Final = ("train", "test", None)


@dataclass(frozen=True, slots=True)
class DataReport:
    """What is in rows, and what may be wrong with them."""

    rows: Sequence[LabelledRow]
    bad_rows: Sequence[str]  # a sentence on each row that could not be read
    replaced: Sequence[str]  # a sentence on each file with rows that a later file replaces
    word_quantiles: Mapping[str, int]  # of the number of words of a text
    findings: Mapping[str, Finding]  # by the keys of `TITLES`
    label_errors: LabelErrors

    @property
    def n_of_several(self) -> int:
        """Number of texts with several topics."""
        return sum(len(row.topics) > 1 for row in self.rows)

    @property
    def n_of_none(self) -> int:
        """Number of texts that fit no topic."""
        return sum(not row.topics for row in self.rows)

    @property
    def topics(self) -> dict[str, dict[str, int]]:
        """Texts of each topic, and those of which it is the primary one; the largest first."""
        texts = Counter(topic for row in self.rows for topic in row.topics)
        primary = Counter(topic for row in self.rows for topic in row.topics[:1])
        order = sorted(texts, key=lambda topic: (-texts[topic], topic))
        return {topic: {"texts": texts[topic], "primary": primary[topic]} for topic in order}

    @property
    def splits(self) -> dict[str, dict[str, Any]]:
        """Texts of each part of the split, with their first and last dates."""
        parts = {}
        for split in SPLITS:
            part = [row for row in self.rows if row.split == split]
            dates: list[date] = sorted(row.date for row in part if row.date)
            if part:
                span = [dates[0].isoformat(), dates[-1].isoformat()] if dates else None
                parts[split or "no split"] = {"texts": len(part), "dates": span}
        return parts

    def to_json(self) -> dict[str, Any]:
        """Return the report without texts, as values for `json.dumps`."""
        return {
            "rows": len(self.rows),
            "bad_rows": list(self.bad_rows),
            "replaced": list(self.replaced),
            "of_several_topics": self.n_of_several,
            "of_no_topic": self.n_of_none,
            "words": dict(self.word_quantiles),
            "splits": self.splits,
            "topics": self.topics,
            "estimated_label_errors": self.label_errors.n_estimated,
            "findings": {
                key: {
                    "title": TITLES[key],
                    "count": len(finding.rows),
                    "detail": finding.detail,
                    "rows": list(self._places(finding)),
                }
                for key, finding in self.findings.items()
            },
        }

    def suspects(self) -> Iterator[dict[str, Any]]:
        """Yield the suspected label errors, worst first, as rows of a labelled file.

        ``score`` is the probability that one of the given topics is right.
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

    def _places(self, finding: Finding) -> Iterator[dict[str, Any]]:
        for number, row in enumerate(finding.rows):
            place: dict[str, Any] = {"file": self.rows[row].file, "line": self.rows[row].line}
            if finding.others:
                other = self.rows[finding.others[number]]
                place["other"] = {"file": other.file, "line": other.line}
            yield place


def row_to_json(row: LabelledRow) -> dict[str, Any]:
    """Return the fields of a row that are given, as a row of a labelled file."""
    values = row._asdict() | {
        "topics": list(row.topics),
        "date": row.date and row.date.isoformat(),
    }
    del values["file"], values["line"]
    return {key: value for key, value in values.items() if value is not None}
