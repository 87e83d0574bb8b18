"""From the texts of a batch to their answers; no row is ever lost, or stops the others."""

from collections.abc import Sequence
from dataclasses import dataclass

from deploy.bulk.columns import Answer
from service.model import InferenceError, NewsText, TopicClassifier


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the classifier, as in a request to the service."""

    top_k: int
    min_confidence: float | None


def answer_rows(
    classifier: TopicClassifier, rows: Sequence[NewsText | str], question: Question
) -> list[Answer]:
    """Classify the rows that have a text.

    Parameters
    ----------
    classifier : TopicClassifier
    rows : sequence of NewsText or str, of length n_rows
        A str is what was expected of a row that has no text to classify.
    question : Question

    Returns
    -------
    list of Answer, of length n_rows
    """
    texts = [row for row in rows if isinstance(row, NewsText)]
    answers = iter(_classify(classifier, texts, question))
    return [Answer(None, row) if isinstance(row, str) else next(answers) for row in rows]


def _classify(
    classifier: TopicClassifier, texts: Sequence[NewsText], question: Question
) -> list[Answer]:
    try:
        found = classifier.classify(
            texts, top_k=question.top_k, min_confidence=question.min_confidence
        )
    except InferenceError as error:
        if len(texts) == 1:
            return [Answer(None, str(error))]
        # one text of them is to blame: the others have their answers
        return [answer for text in texts for answer in _classify(classifier, [text], question)]
    return [Answer(item) for item in found]


def check_text(value: object, column: str) -> str | None:
    """Say what was expected of a text that cannot be classified; None if it can."""
    if not isinstance(value, str):
        return f"expected text in column {column!r}, got {kind_of(value)}"
    if not value or value.isspace():
        return f"expected text in column {column!r}, got only white space"
    return None


def kind_of(value: object) -> str:
    """Name the kind of a value as JSON does."""
    names = {bool: "a boolean", int: "a number", float: "a number", list: "a list"}
    return "null" if value is None else names.get(type(value), "an object")
