"""From the texts of a batch to their answers; no row is ever lost, or stops the others."""

from collections.abc import Sequence
from dataclasses import dataclass

from deploy.batch.columns import Answer, Columns
from service.model import InferenceError, NewsText, TopicClassifier, describe_blank, is_blank


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the classifier, as in a request to the service."""

    top_k: int
    min_confidence: float | None


def answer_rows(
    classifier: TopicClassifier, rows: Sequence[NewsText | str], question: Question
) -> list[Answer]:
    """Classify the rows that have a text or a title.

    Parameters
    ----------
    classifier : TopicClassifier
    rows : sequence of NewsText or str, of length n_rows
        A str is what was expected of a row that has nothing to classify.
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


def to_news_text(text: object, title: object, columns: Columns) -> NewsText | str:
    """Return what to classify of a row, or what was expected of it and what came."""
    if not isinstance(text, str | None):
        return f"expected text or null in column {columns.text!r}, got {kind_of(text)}"
    if not isinstance(title, str | None):
        return f"expected text or null in column {columns.title!r}, got {kind_of(title)}"
    if is_blank(text, title):
        return f"{describe_blank(text, title)} in columns {columns.text!r} and {columns.title!r}"
    return NewsText(text or "", title)


def kind_of(value: object) -> str:
    """Name the kind of a value as JSON does."""
    names = {bool: "a boolean", int: "a number", float: "a number", list: "a list"}
    return "null" if value is None else names.get(type(value), "an object")
