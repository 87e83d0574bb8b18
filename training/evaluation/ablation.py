"""Ablation of the ``linear`` recipe, by cross-validation inside the training split."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import CountVectorizer
from threadpoolctl import threadpool_limits

from service.model import NewsText
from service.model.field_encoder import TITLE, NewsEncoder
from service.model.tokenization import NEWS_TOKENIZER
from training.data import Dataset
from training.data.views import ARTICLE, KnownTopics, views_of
from training.evaluation.evaluate import Evaluation
from training.recipes.calibration import calibrate_out_of_fold, fit_calibration
from training.recipes.examples import Kind, TrainingTexts, training_texts
from training.recipes.features import idf_igm, tf_igm
from training.recipes.linear import LinearSettings, split_into_folds
from training.recipes.reuters import WrittenText
from training.recipes.svm import SVMSettings, fit_weights

ECE: Final = "expected_calibration_error"
COLUMNS: Final[Mapping[str, str]] = {
    "accuracy": "accuracy",
    "single_topic_accuracy": "single-topic",
    "any_topic_accuracy": "any topic",
    "macro_f1": "macro F1",
    "headline_accuracy": "headline alone",
    "no_topic_auc": "AUC",
    ECE: "ECE",
}
METHOD: Final = (
    "Each variant by cross-validation inside the training split, on title and body; AUC (of the "
    "margin or probability of no topic) and ECE on the stream. Repeat it with `python -m training "
    "ablate`. Differences below 0.002 may be chance."
)


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant of the recipe."""

    name: str
    tokens: Callable[[NewsText], list[str]]
    min_newswires: int = 1  # minimum document frequency of a token
    any_topic: bool = False  # whether to fit SVMs for "is it any of the topics?" too
    igm_weight: float = 0.0
    kinds: frozenset[Kind] = frozenset({Kind.WHOLE})  # kinds of training texts
    negatives: bool = False  # whether they are training texts too
    calibrated: bool = False


def _words(text: NewsText) -> list[str]:
    return [*NEWS_TOKENIZER.tokenize(text.title or ""), *NEWS_TOKENIZER.tokenize(text.text)]


def _words_and_title(text: NewsText) -> list[str]:
    return [*_words(text), *(TITLE + word for word in NEWS_TOKENIZER.tokenize(text.title or ""))]


def _numbers_by_length(text: NewsText) -> list[str]:
    title, body = NewsEncoder.field_words(text.text, text.title)
    return [*title, *body, *(TITLE + word for word in title)]


def _fields(text: NewsText) -> list[str]:
    return NewsEncoder.field_tokens(text.text, text.title)


PARTS: Final = frozenset({Kind.WHOLE, Kind.TITLE, Kind.SENTENCE})
STEPS: Final[Mapping[str, Mapping[str, Any]]] = {
    "+ separate features for title words": {"tokens": _words_and_title},
    "+ numbers by length": {"tokens": _numbers_by_length},
    "+ separate features for lead words": {"tokens": _fields},
    "+ minimum document frequency of 2": {"min_newswires": 2},
    "+ SVMs for any of the topics": {"any_topic": True},
    "+ IGM weights": {"igm_weight": 1.0},
    "+ headlines and first sentences too": {"kinds": PARTS},
    "+ outliers too": {"kinds": PARTS | {Kind.OUTLIER}},
    "+ negatives too": {"negatives": True},
    "+ written texts too": {"kinds": frozenset(Kind)},
    "+ calibration: the recipe": {"calibrated": True},
}
"""Changes of each variant to the one before."""
ADDED: Final = tuple(
    accumulate(
        STEPS.items(),
        lambda variant, step: replace(variant, name=step[0], **step[1]),
        initial=Variant("words", _words),
    )
)
RECIPE: Final = ADDED[-1]
VARIANTS: Final = (
    *ADDED,
    replace(RECIPE, name="the recipe without SVMs for any of the topics", any_topic=False),
    replace(RECIPE, name="the recipe without outliers", kinds=frozenset(Kind) - {Kind.OUTLIER}),
)


def run_ablation(
    dataset: Dataset,
    settings: LinearSettings,
    variants: Sequence[Variant] = VARIANTS,
    written: Sequence[WrittenText] | None = None,
) -> dict[str, Any]:
    """Measure variants of the recipe on the training split; written texts of None are all.

    Return ``method``, a sentence; ``columns``; and ``rows``, whose first cell is the variant.
    """
    train = dataset.train
    texts = training_texts(train, dataset.vocabulary, seed=settings.seed, written=written)
    topics = views_of(train, dataset.vocabulary)[ARTICLE].topics
    rows = []
    with threadpool_limits(1, "blas"):
        for variant in track(variants, "Ablation"):
            scores = _cross_validate(variant, texts, topics, settings)
            rows.append([variant.name, *(scores.get(name) for name in COLUMNS)])
    return {"method": METHOD, "columns": list(COLUMNS.values()), "rows": rows}


def _cross_validate(
    variant: Variant, texts: TrainingTexts, topics: KnownTopics | None, settings: LinearSettings
) -> dict[str, float]:
    folds = split_into_folds(texts, settings)
    margins = np.zeros((len(folds), texts.any_topic.shape[1] + 1), dtype=np.float32)
    selected = texts.of_kinds(*variant.kinds) & (variant.negatives | ~texts.negative)
    for fold in range(settings.folds):
        inside = folds == fold
        margins[inside] = _margins(variant, texts.only(selected & ~inside), texts.only(inside))
    if variant.calibrated:
        fit = partial(fit_calibration, settings=settings.calibration)
        margins = calibrate_out_of_fold(margins, folds, texts, fit)

    def evaluation(chosen: NDArray[np.bool_], topics: KnownTopics | None = None) -> Evaluation:
        inputs = (texts.labels[chosen], margins[chosen, :-1], topics)
        no_topic = margins[chosen, -1] if variant.negatives else None
        return Evaluation(*inputs, probabilistic=variant.calibrated, no_topic=no_topic)

    stream = evaluation(texts.whole).scores()
    headlines = evaluation(texts.of_kinds(Kind.TITLE) & texts.topical)
    return {
        **evaluation(texts.whole & texts.topical, topics).scores(),
        **{name: stream[name] for name in ("no_topic_auc", ECE) if name in stream},
        "headline_accuracy": float(headlines.right.mean()),
    }


def _margins(variant: Variant, train: TrainingTexts, test: TrainingTexts) -> NDArray[np.float32]:
    settings = SVMSettings() if len(variant.kinds) > 1 else SVMSettings(C=1.0)
    if not variant.any_topic:
        settings = replace(settings, any_topic_weight=0.0)
    newswires = train.only(train.whole)
    vectorizer = CountVectorizer(analyzer=variant.tokens, min_df=variant.min_newswires)
    counts = csr_array(vectorizer.fit_transform(newswires.texts))
    token_weights = idf_igm(counts, newswires.labels, variant.igm_weight)

    def rows(texts: TrainingTexts) -> csr_array:
        return tf_igm(csr_array(vectorizer.transform(texts.texts)), token_weights)

    weights = fit_weights(rows(train), train, settings)
    return np.asarray(rows(test) @ weights[:-1] + weights[-1])
