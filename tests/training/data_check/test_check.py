import numpy as np
import pytest

from tests.training.data_check.texts import made_up_rows, row, wrong_topics
from training.data.dataset import DataError
from training.data.labelled_file import LabelledRow
from training.data_check.check import check_rows
from training.data_check.findings import TITLES


def test_report_has_every_finding() -> None:
    rows, wrong = wrong_topics(made_up_rows(40), every=20)
    report = check_rows([*rows, row("again", "chess"), rows[7]], ["desk.jsonl, line 9: bad"])
    assert list(report.findings) == list(TITLES)
    found = {key: finding.rows for key, finding in report.findings.items() if finding.rows}
    errors = found.pop("label_errors")
    assert found == {"short_texts": [120], "exact_duplicates": [121], "rare_topics": [120]}
    assert wrong <= set(errors[:12])
    assert report.word_quantiles == {"minimum": 1, "median": 24, "95 %": 24, "maximum": 24}


def test_rows_of_a_group_do_not_judge_each_other() -> None:
    """A wrong label that a whole group has is found, though its texts are alike."""
    rows = made_up_rows(40)
    alike = [
        row(f"{rows[0].text} {number} {number * 7}", "science", group="agency")
        for number in range(8)
    ]
    errors = check_rows([*rows, *alike]).label_errors
    assert set(range(120, 128)) <= set(errors.rows[:12].tolist())


def test_same_rows_same_report() -> None:
    rows, _ = wrong_topics(made_up_rows(20), every=10)
    first, second = (check_rows(rows).label_errors for _ in range(2))
    np.testing.assert_array_equal(first.rows, second.rows)
    np.testing.assert_array_equal(first.scores, second.scores)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (made_up_rows(20, ["sport"]), "got 1 in 20 texts (sport: 20)"),
        (made_up_rows(4), "got 0 in 12 texts (sport: 4, markets: 4, science: 4)"),
        ([row("rain", f"{n}") for n in range(6)], "6 texts (0: 1, 1: 1, 2: 1, 3: 1, 4: 1, ...)"),
        ([row("rain")] * 9 + made_up_rows(6, ["sport"]), "15 texts (no topic: 9, sport: 6)"),
        ([row("rain", f"{n}") for n in range(1001)] * 5, "got 1,001 in 5,005 texts"),
    ],
    ids=["one topic", "rare topics", "text as topic", "one topic and none", "too many"],
)
def test_rows_that_cannot_be_trained_on(rows: list[LabelledRow], found: str) -> None:
    with pytest.raises(DataError, match="expected 2 to 1,000 topics") as raised:
        check_rows(rows)
    assert found in str(raised.value)
    assert "--columns topics=NAME" in str(raised.value)
