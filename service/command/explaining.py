"""Which words of a text spoke for its topic, and which against."""

from collections.abc import Sequence
from typing import Any, Final, Protocol, cast

from rich.text import Text

from service.command.errors import CommandError
from service.model import NewsText, Topic, TopicClassifier

HEADER: Final = ("word", "field", "start", "end", "known", "score_change")
FOR: Final = "bold green"
AGAINST: Final = "red"
UNKNOWN: Final = "dim"
LEAST_CHANGE: Final = 0.0005
"""Smaller ones are 0.000 in words, and show no colour."""


class WordEffect(Protocol):
    """What a word did to the score of the topic."""

    @property
    def word(self) -> str: ...  # noqa: D102 - as it stands in the text
    @property
    def field(self) -> str: ...  # noqa: D102 - ``title`` or ``text``
    @property
    def start(self) -> int: ...  # noqa: D102 - in code points
    @property
    def end(self) -> int: ...  # noqa: D102 - behind the last
    @property
    def known(self) -> bool: ...  # noqa: D102 - whether the vocabulary holds it
    @property
    def score_change(self) -> float: ...  # noqa: D102 - above 0 if it speaks for the topic


class Explanation(Protocol):
    """The topic of a text, and what each word did to its score."""

    @property
    def topic(self) -> Topic: ...  # noqa: D102
    @property
    def words(self) -> Sequence[WordEffect]: ...  # noqa: D102


def explain(classifier: TopicClassifier, text: NewsText) -> Explanation:
    """Ask the classifier, if it can be asked: the one place that knows."""
    if not hasattr(classifier, "explain"):
        raise CommandError("explain: this version of the classifier cannot explain its answers")
    return cast(Explanation, classifier.explain(text))


def to_json_object(explanation: Explanation) -> dict[str, Any]:
    """Give the form that ``--json`` writes."""
    words = [{name: getattr(effect, name) for name in HEADER} for effect in explanation.words]
    return {"topic": explanation.topic.code, "name": explanation.topic.name, "words": words}


def explanation_cells(effect: WordEffect) -> tuple[str, ...]:
    """Give the cells that ``HEADER`` names."""
    known = "yes" if effect.known else "no"
    place = (effect.field, str(effect.start), str(effect.end))
    return (effect.word, *place, known, f"{effect.score_change:+.6f}")


def highlight(text: NewsText, explanation: Explanation) -> Text:
    """Show a text to people: green words spoke for the topic, red ones against, dim are unknown."""
    shown = Text(f"{explanation.topic.name}\n\n", style="")
    shown.stylize("bold underline", 0, len(explanation.topic.name))
    for field, content in (("title", text.title), ("text", text.text)):
        if not content:
            continue
        part = Text(content)
        for effect in explanation.words:
            if effect.field == field:
                part.stylize(_style(effect), effect.start, effect.end)
        shown.append_text(part).append("\n")
    return shown


def _style(effect: WordEffect) -> str:
    if effect.score_change >= LEAST_CHANGE:
        return FOR
    if effect.score_change <= -LEAST_CHANGE:
        return AGAINST
    return "" if effect.known else UNKNOWN
