"""From texts to answers; what cannot be answered never stops the others."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from service.cli.inputs import Entry
from service.model import Classification, InferenceError, NewsText, TopicClassifier
from service.model.control_characters import escape_controls

ERROR: Final = "error"
ANSWER_NAMES: Final = ("topic", "topics", "no_topic", "known_words", "abstained", "group")
"""The keys of an answer, as in an answer of the service."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the classifier, as in a request to the service."""

    top_k: int
    min_confidence: float | None


@dataclass(frozen=True, slots=True)
class Answered:
    """An entry and its answer; a str says why there is none."""

    entry: Entry
    answer: Classification | str


def answer_entries(
    classifier: TopicClassifier, entries: Sequence[Entry], question: Question
) -> list[Answered]:
    """Classify the entries that are texts."""
    texts = [entry.content for entry in entries if isinstance(entry.content, NewsText)]
    answers = iter(_classify(classifier, texts, question))
    return [
        Answered(entry, entry.content if isinstance(entry.content, str) else next(answers))
        for entry in entries
    ]


def _classify(
    classifier: TopicClassifier, texts: Sequence[NewsText], question: Question
) -> Iterator[Classification | str]:
    try:
        yield from classifier.classify(
            texts, top_k=question.top_k, min_confidence=question.min_confidence
        )
    except InferenceError as error:
        if len(texts) == 1:
            yield str(error)
            return
        for text in texts:  # one of them is to blame: the others have their answers
            yield from _classify(classifier, [text], question)


def names_of_answer(prefix: str) -> list[str]:
    """Give the keys that an answer adds to a line."""
    return [prefix + name for name in (*ANSWER_NAMES, ERROR)]


def to_json_line(answered: Answered, prefix: str = "") -> str:
    """Write an answer as a line of JSON; what its line held stands before it, as it was written."""
    entry = answered.entry
    added: dict[str, Any] = {} if entry.line else {"file": entry.file}
    if isinstance(answered.answer, str):
        where = {"file": entry.file, "line": entry.line} if entry.line else {}
        added[prefix + ERROR] = {**where, "message": answered.answer}
    else:
        values = _to_json_object(answered.answer)
        added |= {prefix + name: values[name] for name in ANSWER_NAMES}
    text = to_json(added)
    if not entry.kept:
        return text
    separator = "" if entry.kept == "{" else ", "
    kept = entry.kept.replace("\r", " ")  # which is in no string of JSON
    return escape_controls(kept) + separator + text[1:]


def _to_json_object(answer: Classification) -> dict[str, Any]:
    """Give the form of an answer that the service gives."""
    topics = [
        {
            "topic": ranked.topic.code,
            "name": ranked.topic.name,
            "id": ranked.topic.id,
            "score": ranked.score,
        }
        for ranked in answer.topics
    ]
    return {
        "topic": topics[0]["topic"],
        "topics": topics,
        "no_topic": answer.no_topic,
        "known_words": answer.known_words_ratio,
        "abstained": answer.abstained,
        "group": answer.group._asdict() if answer.group else None,
    }


def to_json(value: object) -> str:
    """Write JSON that can be read by people, and encoded whatever it holds.

    JSON may hold control characters above ASCII as they are; here they are escaped, too.
    """
    text = escape_controls(json.dumps(value, ensure_ascii=False))
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, as in a file name that is no UTF-8
        return json.dumps(value)
    return text
