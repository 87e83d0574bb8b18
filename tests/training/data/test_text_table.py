from datetime import date

import numpy as np
import pytest

from training.data import text_table
from training.data.dataset import Article
from training.data.splitting import first_rows
from training.data.text_table import NO_DAY, TextTable


def article(body: str, title: str = "", keras_text: str | None = None) -> Article:
    whole = f"{title}\n{body}" if keras_text is None else keras_text
    return Article(title, body, has_body=True, keras_text=whole, topics=("a",))


def test_texts_of_the_same_words_are_equal() -> None:
    table = TextTable()
    for item in (
        article("Oil rose."),
        article("ROSE", "oil"),
        article("oil", "rose"),
        article("", ""),
        article("...", ""),
        article("oil rose", keras_text="of another article"),
    ):
        table.add(item, 0)
    assert first_rows(table.digests).tolist() == [0, 0, 2, 3, 3, 0]


def test_columns_of_the_split() -> None:
    table = TextTable()
    table.add(article("a"), 1, group="x", day=date(1, 1, 2))
    table.add(article("b"), -1)
    assert table.groups == ["x", None]
    assert table.days.tolist() == [2, NO_DAY]
    assert table.sides == [1, -1]


def test_words_are_ranked_by_the_chosen_texts() -> None:
    table = TextTable()
    for body in ("b a b", "c c c c", "a d"):
        table.add(article(body), 0)
    assert table.rank_words(np.array([0, 2])) == {"a": 4, "b": 5, "d": 6}
    assert [ids.tolist() for ids in table.token_ids] == [[1, 5, 4, 5], [1, 2, 2, 2, 2], [1, 4, 6]]


def test_words_beyond_the_highest_id_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_table, "MAX_TOKEN_ID", 5)
    table = TextTable()
    table.add(article("a a b b c"), 0)
    assert table.rank_words(np.array([0])) == {"a": 4, "b": 5}
    assert table.token_ids[0].tolist() == [1, 4, 4, 5, 5, 2]
