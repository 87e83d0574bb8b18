import json
from datetime import date
from pathlib import Path
from typing import Any

from tests.training.data_check.texts import made_up_rows, row, wrong_topics
from training.data.labelled_file import read_labelled_files
from training.data_check.check import check_rows
from training.data_check.findings import TITLES
from training.data_check.report import row_to_json

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
    report = json.loads(json.dumps(check_rows(rows, ["desk.jsonl, line 9: bad"]).to_json()))
    assert report["rows"] == 122
    assert report["bad_rows"] == ["desk.jsonl, line 9: bad"]
    assert report["of_no_topic"] == report["of_several_topics"] == 1
    assert report["splits"] == {
        "train": {"texts": 60, "dates": ["2026-03-01", "2026-03-09"]},
        "no split": {"texts": 62, "dates": None},
    }
    assert report["topics"]["science"] == {"texts": 41, "primary": 41}
    assert sum(counts["primary"] for counts in report["topics"].values()) == 121
    assert {key: item["title"] for key, item in report["findings"].items()} == TITLES
    assert report["findings"]["conflicting_duplicates"] == {
        "title": TITLES["conflicting_duplicates"],
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
    read = {item.text: item for item in read_labelled_files([path])}
    right = {item.text: item.topics for item in made_up_rows(40)}
    assert sum(item.topics == right[text] for text, item in read.items()) > 0.95 * len(right)
    for item in rows:
        again = read[item.text]
        assert again._replace(file=item.file, line=item.line, topics=item.topics) == item


def test_fields_that_are_not_given_are_left_out() -> None:
    assert row_to_json(row("rain")) == {"text": "rain", "topics": []}
