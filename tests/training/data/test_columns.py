import pytest

from service.labels import to_labels
from training.data.columns import Columns, parse_columns
from training.data.dataset import DataError


def test_columns_are_parsed() -> None:
    expected = {"text": "the body", "topics": "a=b", "date": ""}
    assert parse_columns(["text=the body, topics=a=b", "date="]) == expected
    assert parse_columns([]) == {}
    with pytest.raises(DataError, match="expected FIELD=COLUMN, as in text=body, got 'body'"):
        parse_columns(["text=a,body"])
    with pytest.raises(DataError, match="expected each field once, got 'text' again"):
        parse_columns(["text=a", "topics=b,text=c"])


def test_a_column_is_that_of_one_field() -> None:
    with pytest.raises(DataError, match="expected each column once, got 'body' for text and for t"):
        parse_columns(["text=body,title=body"])
    columns = Columns({"id": "text", "date": "", "group": ""})
    with pytest.raises(
        ValueError, match="a column of text, got 'text', which --columns id=text takes: name anoth"
    ):
        columns.find(["text", "topics"])
    headlines = Columns({"text": "title"})  # the field title is left out
    assert headlines.find(["title", "topics"]) == {"text": "title", "topics": "topics"}


@pytest.mark.parametrize("named", ["body=text", "text=", "topics="])
def test_unknown_fields_are_rejected(named: str) -> None:
    with pytest.raises(DataError, match="expected FIELD=COLUMN with a field of text, title, topic"):
        parse_columns([named])


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
    assert to_labels(value, "topics") == topics
