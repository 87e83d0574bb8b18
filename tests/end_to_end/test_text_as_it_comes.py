"""Text as people have it: typography, titles alone, numbers, words in another sense, today's words.

The texts of `held_out_texts.jsonl` are our own; no model was trained on them, and the author of the
training texts had not seen them.
"""

from pathlib import Path

import numpy as np
import pytest

from service.model import NewsText, TopicClassifier
from training.data import Dataset
from training.data.labelled_texts import (
    LabelledText,
    measure_labelled_texts,
    read_labelled_texts,
)
from training.recipes.reuters import read_written_texts

HELD_OUT = Path(__file__).with_name("held_out_texts.jsonl")
TEXTS = read_labelled_texts(HELD_OUT)
QUOTES = ("'{}'", "‘{}’", '"{}"', "“{}”", "«{}»", "„{}“", "({})", "•{}", "{}™", "\u2068{}\u2069")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("●Grain ships loading at Portland", "Grain ships loading at Portland"),
        ("'Grain' ships loading at Portland", "Grain ships loading at Portland"),
        ("Nippon Steel to reduce dividend™", "Nippon Steel to reduce dividend"),
        ("Nippon Steel to reduce 'dividend'", "Nippon Steel to reduce dividend"),
        ("Canadian bank 'rate' rises in week", "Canadian bank rate rises in week"),
        (
            "brazil co\ufb00ee exports disrupted by strike",
            "brazil coffee exports disrupted by strike",
        ),
        ("☕Coffee quota talks collapse", "Coffee quota talks collapse"),
        ("\u202aCoffee\u202c prices up", "Coffee prices up"),
        ("Profit of £12 mln against loss of £3 mln", "Profit of $12 mln against loss of $3 mln"),
        ("Profit of €12 mln against loss of €3 mln", "Profit of $12 mln against loss of $3 mln"),
        ("Profit of ¥12 mln against loss of ¥3 mln", "Profit of $12 mln against loss of $3 mln"),
        ("Ｇｏｌｄ ｐｒｉｃｅｓ ｒｉｓｅ", "Gold prices rise"),
        ("Sugar quota talks\rThe ministers met", "Sugar quota talks\nThe ministers met"),
        ("Sugar quota talks\u2028The ministers met", "Sugar quota talks\nThe ministers met"),
        ("Gold &amp; silver &#112;rices #39;rise#39;", "Gold & silver prices rise"),
    ],
)
def test_typography_changes_no_result(classifier: TopicClassifier, text: str, plain: str) -> None:
    assert classifier.encoder.token_ids(text) == classifier.encoder.token_ids(plain)
    assert classifier.encode(text).known_words_ratio == classifier.encode(plain).known_words_ratio


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("●Grain ships loading at Portland", "grain"),
        ("Nippon Steel to reduce dividend™", "earn"),
        ("Canadian bank 'rate' rises in week", "interest"),
        ("brazil co\ufb00ee exports disrupted by strike", "coffee"),
        ("☕Coffee quota talks collapse", "coffee"),
        ("Coffee’s quota talks collapse", "coffee"),
        ("\u202aCoffee\u202c prices up", "coffee"),
        ("Profit of £12 mln against loss of £3 mln", "earn"),
        ("Ｇｏｌｄ ｐｒｉｃｅｓ ｒｉｓｅ", "gold"),
    ],
)
def test_topics_are_found(classifier: TopicClassifier, text: str, topic: str) -> None:
    (prediction,) = classifier.classify([text])
    assert prediction.topics[0].topic.code == topic
    assert prediction.abstained is None


@pytest.mark.parametrize(
    "text",
    [
        "2024",
        "1500 1600 1700",
        "4111 1111 1111 1111",
        "12.5 % 3,400 1987-03-01",
        "She won the gold medal in the 100 metres final in Tokyo.",
        "A rubber duck race raised money for the local hospital.",
        "The coffee shop on Main Street closed.",
        "For the sponge cake, cream the butter and sugar, beat in the eggs and fold in the flour.",
    ],
)
def test_texts_of_no_topic_are_abstained_from(classifier: TopicClassifier, text: str) -> None:
    (prediction,) = classifier.classify([text])
    assert prediction.abstained is not None


def test_title_is_enough(classifier: TopicClassifier) -> None:
    ids = classifier.encoder.token_ids
    assert ids("", "Gold prices rise") == ids("Gold prices rise")
    (prediction,) = classifier.classify([NewsText("", "Gold prices rise")])
    assert (prediction.topics[0].topic.code, prediction.abstained) == ("gold", None)


def test_quoting_any_word_of_a_headline_changes_no_result(
    classifier: TopicClassifier, corpus_dataset: Dataset
) -> None:
    """Every word of every 50th headline of the corpus, in each style in turn."""
    articles = corpus_dataset.train.articles
    headlines = [" ".join(item.title.split()) for item in articles[::50]]
    headlines = [headline for headline in headlines if headline and "'" not in headline]
    assert len(headlines) > 150
    plain = classifier.infer([classifier.encode(headline) for headline in headlines])
    for headline, expected in zip(headlines, plain, strict=True):
        words = headline.split()
        quoted = [
            " ".join(
                [*words[:place], QUOTES[place % len(QUOTES)].format(word), *words[place + 1 :]]
            )
            for place, word in enumerate(words)
            if word.isalpha()
        ]
        if quoted:
            found = classifier.infer([classifier.encode(text) for text in quoted])
            np.testing.assert_allclose(found, np.tile(expected, (len(quoted), 1)), atol=1e-5)


def of_set(name: str) -> list[LabelledText]:
    return [item for item in TEXTS if item.set == name]


def test_held_out_texts_are_enough_and_not_learnt() -> None:
    assert len(of_set("business-none")) >= 150
    assert len(of_set("modern-headlines")) >= 150
    learnt = {words_of(item.text) for item in read_written_texts()}
    assert not learnt & {words_of(item.text) for item in TEXTS}


def words_of(text: NewsText) -> str:
    return " ".join(f"{text.title or ''} {text.text}".lower().split())


@pytest.mark.parametrize(
    ("name", "at_least", "at_most"),
    [
        ("business-none", {}, {"negatives_answered": 0.02}),
        ("everyday", {}, {"negatives_answered": 0.15}),
        ("modern-headlines", {"first_right": 0.9, "answered_right": 0.96}, {"abstained": 0.25}),
        ("typography", {"first_right": 0.85, "answered_right": 0.95}, {"abstained": 0.4}),
    ],
)
def test_held_out_texts(
    classifier: TopicClassifier, name: str, at_least: dict[str, float], at_most: dict[str, float]
) -> None:
    check_figures(measure_labelled_texts(classifier, of_set(name)), at_least, at_most)


@pytest.mark.parametrize(
    ("name", "at_least", "at_most"),
    [
        ("world", {}, {"negatives_answered": 0.05}),
        ("sport", {}, {"negatives_answered": 0.01}),
        ("science-technology", {}, {"negatives_answered": 0.06}),
        ("business", {"answered_right": 0.83, "topical_answered": 0.68}, {}),
        ("headlines", {"first_right": 0.78, "answered_right": 0.93}, {"abstained": 0.38}),
    ],
)
def test_real_modern_news(
    classifier: TopicClassifier,
    data_dir: Path,
    name: str,
    at_least: dict[str, float],
    at_most: dict[str, float],
) -> None:
    """Sets that are not ours to commit; no model was trained on them."""
    files = [data_dir / "modern" / f"{file}.jsonl" for file in ("ag-news", "sentfin")]
    if not all(path.exists() for path in files):
        pytest.skip("the sets of modern news are not here")
    texts = [item for path in files for item in read_labelled_texts(path) if item.set == name]
    check_figures(measure_labelled_texts(classifier, texts), at_least, at_most)


def check_figures(
    figures: dict[str, float], at_least: dict[str, float], at_most: dict[str, float]
) -> None:
    for figure, bar in at_least.items():
        assert figures[figure] >= bar, (figure, figures)
    for figure, bar in at_most.items():
        assert figures[figure] <= bar, (figure, figures)
