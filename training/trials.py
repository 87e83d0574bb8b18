"""What each idea of the ``best`` recipe gains, by cross-validation inside the training split.

The machines are scikit-learn's, which have the same objective as ours and are fitted faster. The
test split is not read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.svm import LinearSVC

from service.model import NewsText
from service.model.fields import TITLE, field_tokens, field_words
from service.model.words import split_words
from training.datasets import Dataset, Split
from training.datasets.facts import LABELS
from training.datasets.texts import known_topics
from training.errors import DataError
from training.evaluation import Evaluation
from training.recipes.best import BestSettings, calibrate_held_out, split_into_folds
from training.recipes.examples import NO_TOPIC, TrainingTexts, training_texts
from training.recipes.features import weigh, weigh_tokens
from training.recipes.machines import machine_targets, mean_of_pairs

COLUMNS: Final[Mapping[str, str]] = {
    "accuracy": "accuracy",
    "single_topic_accuracy": "single-topic",
    "any_topic_accuracy": "any topic",
    "macro_f1": "macro F1",
    "headline_accuracy": "headline alone",
    "expected_calibration_error": "ECE",
}
METHOD: Final = (
    "Each idea by cross-validation inside the training split, on own text, with "
    "scikit-learn's linear machines; repeat it with `python -m training trials`. Differences below "
    "0.002 may be chance."
)


@dataclass(frozen=True, slots=True)
class Idea:
    """A way of making the machines.

    Attributes
    ----------
    name : str
    tokens : callable
        A text to its tokens.
    min_newswires : int
        How many newswires a token must stand in.
    among : bool
        Whether to add machines that are asked for any of the topics.
    concentration : float
        How much more a token of a single topic weighs.
    parts : bool
        Whether to learn headlines and first sentences too.
    outsiders : bool
        Whether to learn from outsiders too.
    calibrated : bool
        Whether to turn the margins into probabilities.
    class_weight : str or None
        ``"balanced"`` makes rare topics count as much as frequent ones.
    """

    name: str
    tokens: Callable[[NewsText], list[str]]
    min_newswires: int = 1
    among: bool = False
    concentration: float = 0.0
    parts: bool = False
    outsiders: bool = False
    calibrated: bool = False
    class_weight: str | None = None


def words(text: NewsText) -> list[str]:
    """Give every word, the title's included."""
    return [*split_words(text.title or ""), *split_words(text.text)]


def words_and_title(text: NewsText) -> list[str]:
    """Give every word, and each word of the title once more as a token of its own."""
    return [*words(text), *(TITLE + word for word in split_words(text.title or ""))]


def numbers_by_length(text: NewsText) -> list[str]:
    """Give the same, with numbers told apart by their length only."""
    title, body = field_words(text.text, text.title)
    return [*title, *body, *(TITLE + word for word in title)]


def fields(text: NewsText) -> list[str]:
    """Give the recipe's tokens: the same, and each word of the lead once more."""
    return field_tokens(text.text, text.title)


def with_pairs(text: NewsText) -> list[str]:
    """Give the recipe's tokens, and each pair of words that stand side by side."""
    title, body = field_words(text.text, text.title)
    return [*fields(text), *(" ".join(pair) for pair in pairwise([*title, *body]))]


def with_title_pairs(text: NewsText) -> list[str]:
    """Give the recipe's tokens, and each pair of the title's words side by side."""
    title, _ = field_words(text.text, text.title)
    return [*fields(text), *(TITLE + " ".join(pair) for pair in pairwise(title))]


WORDS: Final = Idea("words", words)
BY_TITLE: Final = replace(WORDS, name="+ words of the title apart", tokens=words_and_title)
BY_LENGTH: Final = replace(WORDS, name="+ numbers by their length only", tokens=numbers_by_length)
BY_LEAD: Final = replace(WORDS, name="+ words of the lead apart", tokens=fields)
NOT_RARE: Final = replace(BY_LEAD, name="+ no token of one newswire only", min_newswires=2)
AMONG: Final = replace(NOT_RARE, name="+ machines for any of the topics", among=True)
TELLING: Final = replace(AMONG, name="+ tokens of few topics weigh more", concentration=1.0)
PARTS: Final = replace(TELLING, name="+ headlines and first sentences learnt too", parts=True)
OUTSIDERS: Final = replace(PARTS, name="+ outsiders learnt too", outsiders=True)
RECIPE: Final = replace(OUTSIDERS, name="+ calibration: the recipe", calibrated=True)
IDEAS: Final = (
    *(WORDS, BY_TITLE, BY_LENGTH, BY_LEAD, NOT_RARE, AMONG, TELLING, PARTS, OUTSIDERS, RECIPE),
    replace(RECIPE, name="the recipe with pairs of words", tokens=with_pairs),
    replace(RECIPE, name="the recipe with pairs of words of the title", tokens=with_title_pairs),
    replace(RECIPE, name="the recipe, rare topics weighing more", class_weight="balanced"),
    replace(RECIPE, name="the recipe without machines for any of the topics", among=False),
    replace(RECIPE, name="the recipe without outsiders", outsiders=False),
)


def run_trials(dataset: Dataset, ideas: Sequence[Idea] = IDEAS, *, seed: int = 0) -> dict[str, Any]:
    """Measure each idea.

    Parameters
    ----------
    dataset : Dataset
        With its articles; only its training split is read.
    ideas : sequence of Idea
    seed : int
        Of the folds.

    Returns
    -------
    dict
        ``method``, a sentence; ``columns``; and ``rows``, whose first cell is the idea.
    """
    texts = training_texts(dataset.train, dataset.vocabulary, seed=seed)
    rows = []
    for idea in track(ideas, "Trying ideas"):
        asked = texts if idea.outsiders else texts.only(texts.labels != NO_TOPIC)
        answers = try_idea(idea, asked, BestSettings(seed=seed))
        scores = measure(answers, asked, dataset.train)
        rows.append([idea.name, *(scores.get(name) for name in COLUMNS)])
    return {"method": METHOD, "columns": list(COLUMNS.values()), "rows": rows}


def try_idea(idea: Idea, texts: TrainingTexts, settings: BestSettings) -> Evaluation:
    """Hold out each fold in turn, and give what was answered to its texts."""
    folds = split_into_folds(texts, settings)
    margins = np.zeros(texts.among.shape, dtype=np.float32)
    for fold in range(settings.folds):
        inside = folds == fold
        margins[inside] = _margins(idea, texts.only(~inside), texts.only(inside))
    if idea.calibrated:
        keras.utils.set_random_seed(settings.seed)
        margins = calibrate_held_out(margins, folds, texts, settings)
    return Evaluation(texts.labels, margins, probabilistic=idea.calibrated)


def measure(answers: Evaluation, texts: TrainingTexts, train: Split) -> dict[str, float]:
    """Give the scores on whole newswires, and the accuracy on headlines alone."""
    topics = known_topics(train, LABELS)
    if train.articles is None or topics is None:
        raise DataError("expected a source with articles, of which the topics are known")
    titles = [train.articles[newswire].title for newswire in texts.newswires]
    headline = [
        text.text == title and text.title is None
        for text, title in zip(texts.texts, titles, strict=True)
    ]
    whole = replace(
        answers,
        labels=answers.labels[texts.whole],
        probabilities=answers.probabilities[texts.whole],
        topics=topics,
    )
    return {**whole.scores(), "headline_accuracy": float(answers.right[headline].mean())}


def _margins(idea: Idea, train: TrainingTexts, test: TrainingTexts) -> NDArray[np.float32]:
    whole = train.only(train.whole)
    vectorizer = CountVectorizer(analyzer=idea.tokens, min_df=idea.min_newswires)
    counts = csr_array(vectorizer.fit_transform(whole.texts))
    token_weights = weigh_tokens(counts, whole.labels, idea.concentration)

    def rows(texts: Sequence[NewsText]) -> csr_array:
        return weigh(csr_array(vectorizer.transform(texts)), token_weights)

    learnt = train if idea.parts else whole
    inputs, asked = rows(learnt.texts), rows(test.texts)
    machine = LinearSVC(
        C=0.7 if idea.parts else 1.0, class_weight=idea.class_weight, random_state=0
    )
    targets = machine_targets(learnt)
    margins = np.full((len(test.texts), targets.shape[1]), -1, dtype=np.float32)
    for number in np.flatnonzero(targets.any(axis=0)):
        machine.fit(inputs, targets[:, number], learnt.weights)
        margins[:, number] = machine.decision_function(asked)
    return mean_of_pairs(margins) if idea.among else np.hsplit(margins, 2)[0]
