import pytest

from training.data.reuters_expected import TOPIC_CODES
from training.recipes.reuters import read_written_texts, synonyms_for, written_texts_for


@pytest.mark.parametrize("codes", [["sport", "weather"], TOPIC_CODES[:-1], ["earn", "acq"]])
def test_other_topics_have_none(codes: list[str]) -> None:
    assert written_texts_for(codes) == []
    assert synonyms_for(codes) == {}


def test_reuters_topics_have_all() -> None:
    assert written_texts_for(TOPIC_CODES) == read_written_texts()
    assert synonyms_for(TOPIC_CODES)["ecb"] == ["central", "bank"]


def test_further_topics_may_be_those_of_news_without_a_topic() -> None:
    written = written_texts_for([*TOPIC_CODES, "sport"])
    assert 0 < len(written) < len(read_written_texts())
    assert all(item.topics or item.everyday for item in written)
    assert any(not item.topics for item in written)
    assert synonyms_for([*TOPIC_CODES, "sport"]) == synonyms_for(TOPIC_CODES)
