"""The effect of each word on the score of the predicted topic, in three formats."""

from typing import Any, Final

from rich.text import Text

from service.model import Explanation, NewsText, WordEffect
from service.model.control_characters import CONTROLS

MIN_CHANGE: Final = 0.0005  # a smaller change is shown without colour


def to_json_object(explanation: Explanation) -> dict[str, Any]:
    """Return the object that ``--json`` writes."""
    words = [effect._asdict() for effect in explanation.words]
    return {"topic": explanation.topic.code, "name": explanation.topic.name, "words": words}


def explanation_cells(effect: WordEffect) -> tuple[str, ...]:
    """Return a cell for each field."""
    word, field, start, end, known, change = effect
    return (word, field, str(start), str(end), "yes" if known else "no", f"{change:+.6f}")


def highlight(text: NewsText, explanation: Explanation) -> Text:
    """Colour words: green raised the score of the topic, red lowered it, dim are unknown."""
    shown = Text().append(explanation.topic.name, "bold underline").append("\n\n")
    for field, content in (("title", text.title), ("text", text.text)):
        if not content:
            continue
        # replaces each by one character, so that the offsets of the words stay valid
        part = Text(CONTROLS.sub("\ufffd", content.replace("\r", " ")))
        for effect in explanation.words:
            if effect.field == field:
                part.stylize(_style(effect), effect.start, effect.end)
        shown.append_text(part).append("\n")
    return shown


def _style(effect: WordEffect) -> str:
    if effect.score_change >= MIN_CHANGE:
        return "bold green"
    if effect.score_change <= -MIN_CHANGE:
        return "red"
    return "" if effect.known else "dim"
