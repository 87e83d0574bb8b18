import pytest

from training.data.columns import Columns, parse_columns, to_topics
from training.data.dataset import DataError


def test_columns_are_parsed() -> None:
    expected = {"text": "the body", "topics": "a=b", "date": ""}
    assert parse_columns(["text=the body, topics=a=b", "date="]) == expected
    assert parse_columns([]) == {}
    with pytest.raises(DataError, match="expected FIELD=COLUMN, as in text=body, got 'body'"):
        parse_columns(["text=a,body"])


@pytest.mark.parametrize("named", [{"body": "text"}, {"text": ""}, {"topics": ""}])
def test_unknown_fields_are_rejected(named: dict[str, str]) -> None:
    with pytest.raises(DataError, match="expected FIELD=COLUMN with a field of text, title, topic"):
        Columns(named)


def test_columns_are_found_by_row() -> None:
    columns = Columns({"text": "body"})
    assert columns.find(["topics", "body", "text"]) == {"text": "body", "topics": "topics"}
    assert columns.find(["text", "label", "id"]) == {"text": "text", "topics": "label", "id": "id"}
    assert columns.unseen == {}
    with pytest.raises(ValueError, match="expected a column body or text, got topics, x: name it"):
        columns.find(["topics", "x"])


@pytest.mark.parametrize(
    ("value", "topics"),
    [
        ("sport", ("sport",)),
        (" a | b|a|", ("a", "b")),
        ("", ()),
        ([], ()),
        (["a|b", " c "], ("a|b", "c")),
        ('["a", 2]', ("a", "2")),
        (0, ("0",)),
    ],
)
def test_topics(value: object, topics: tuple[str, ...]) -> None:
    assert to_topics(value) == topics
