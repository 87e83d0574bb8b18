"""Ablation of the ``linear`` recipe, by cross-validation inside the training split."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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
from training.data import Dataset, Split
from training.data.views import known_topics
from training.data.written_texts import WrittenText, read_written_texts
from training.errors import DataError
from training.evaluation.evaluate import Evaluation
from training.recipes.examples import Kind, TrainingTexts, training_texts
from training.recipes.features import idf_igm, tf_igm
from training.recipes.linear import LinearSettings, calibrate_out_of_fold, split_into_folds
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
    """A variant of the recipe.

    Attributes
    ----------
    tokens : callable
        A text to its tokens.
    min_newswires : int
        Minimum document frequency of a token.
    any_topic : bool
        Whether to fit SVMs for "is it any of the topics?" too.
    kinds : frozenset of Kind
        Kinds of training texts.
    negatives : bool
        Whether negatives are training texts too.
    """

    name: str
    tokens: Callable[[NewsText], list[str]]
    min_newswires: int = 1
    any_topic: bool = False
    igm_weight: float = 0.0
    kinds: frozenset[Kind] = frozenset({Kind.WHOLE})
    negatives: bool = False
    calibrated: bool = False

    def selects(self, texts: TrainingTexts) -> NDArray[np.bool_]:
        """Whether each text is a training text, bool of shape (n_texts,)."""
        of_kind = np.isin(texts.kinds, [kind.value for kind in self.kinds])
        return of_kind & (self.negatives | ~texts.negative)


def words(text: NewsText) -> list[str]:
    """Return every word, the title's included."""
    return [*NEWS_TOKENIZER.tokenize(text.title or ""), *NEWS_TOKENIZER.tokenize(text.text)]


def words_and_title(text: NewsText) -> list[str]:
    """Return every word, and each title word again as a separate token."""
    return [*words(text), *(TITLE + word for word in NEWS_TOKENIZER.tokenize(text.title or ""))]


def numbers_by_length(text: NewsText) -> list[str]:
    """Return the same, with numbers replaced by their length."""
    title, body = NewsEncoder.field_words(text.text, text.title)
    return [*title, *body, *(TITLE + word for word in title)]


def fields(text: NewsText) -> list[str]:
    """Return the recipe's tokens: the same, and each lead word again."""
    return NewsEncoder.field_tokens(text.text, text.title)


WORDS: Final = Variant("words", words)
BY_TITLE: Final = replace(WORDS, name="+ separate features for title words", tokens=words_and_title)
BY_LENGTH: Final = replace(WORDS, name="+ numbers by length", tokens=numbers_by_length)
BY_LEAD: Final = replace(WORDS, name="+ separate features for lead words", tokens=fields)
FREQUENT: Final = replace(BY_LEAD, name="+ minimum document frequency of 2", min_newswires=2)
ANY_TOPIC: Final = replace(FREQUENT, name="+ SVMs for any of the topics", any_topic=True)
IGM: Final = replace(ANY_TOPIC, name="+ IGM weights", igm_weight=1.0)
PARTS: Final = replace(
    IGM,
    name="+ headlines and first sentences too",
    kinds=frozenset({Kind.WHOLE, Kind.TITLE, Kind.SENTENCE}),
)
OUTLIERS: Final = replace(PARTS, name="+ outliers too", kinds=PARTS.kinds | {Kind.OUTLIER})
NEGATIVES: Final = replace(OUTLIERS, name="+ negatives too", negatives=True)
WRITTEN: Final = replace(NEGATIVES, name="+ written texts too", kinds=frozenset(Kind))
RECIPE: Final = replace(WRITTEN, name="+ calibration: the recipe", calibrated=True)
VARIANTS: Final = (
    *(WORDS, BY_TITLE, BY_LENGTH, BY_LEAD, FREQUENT, ANY_TOPIC, IGM, PARTS, OUTLIERS),
    *(NEGATIVES, WRITTEN, RECIPE),
    replace(RECIPE, name="the recipe without SVMs for any of the topics", any_topic=False),
    replace(RECIPE, name="the recipe without outliers", kinds=frozenset(Kind) - {Kind.OUTLIER}),
)


def run_ablation(
    dataset: Dataset,
    variants: Sequence[Variant] = VARIANTS,
    written: Sequence[WrittenText] | None = None,
    settings: LinearSettings | None = None,
) -> dict[str, Any]:
    """Measure variants of the recipe.

    Parameters
    ----------
    dataset : Dataset
        With its articles; only its training split is read.
    written : sequence of WrittenText or None
        None takes all.
    settings : LinearSettings or None
        Seed, folds and calibration; None takes the recipe's.

    Returns
    -------
    dict
        ``method``, a sentence; ``columns``; and ``rows``, whose first cell is the variant.
    """
    settings = settings or LinearSettings(seed=0)
    written = read_written_texts() if written is None else written
    texts = training_texts(dataset.train, dataset.vocabulary, seed=settings.seed, written=written)
    rows = []
    with threadpool_limits(1, "blas"):
        for variant in track(variants, "Ablation"):
            predictions = cross_validate(variant, texts, settings)
            scores = measure(predictions, texts, dataset.train)
            rows.append([variant.name, *(scores.get(name) for name in COLUMNS)])
    return {"method": METHOD, "columns": list(COLUMNS.values()), "rows": rows}


def cross_validate(variant: Variant, texts: TrainingTexts, settings: LinearSettings) -> Evaluation:
    """Return out-of-fold predictions for every text."""
    folds = split_into_folds(texts, settings)
    margins = np.zeros((len(folds), texts.n_topics + 1), dtype=np.float32)
    selected = variant.selects(texts)
    for fold in range(settings.folds):
        inside = folds == fold
        margins[inside] = _margins(variant, texts.only(selected & ~inside), texts.only(inside))
    if variant.calibrated:
        margins = calibrate_out_of_fold(margins, folds, texts, settings)
    no_topic = margins[:, -1] if variant.negatives else None
    return Evaluation(
        texts.labels, margins[:, :-1], probabilistic=variant.calibrated, no_topic=no_topic
    )


def measure(predictions: Evaluation, texts: TrainingTexts, train: Split) -> dict[str, float]:
    """Return the scores on whole newswires, and the accuracy on headlines alone."""
    topics = known_topics(train)
    if topics is None:
        raise DataError("expected a source with articles, of which the topics are known")
    whole = _only(predictions, texts.whole)
    topical = replace(_only(predictions, texts.whole & texts.topical), topics=topics)
    headlines = _only(predictions, (texts.kinds == Kind.TITLE) & texts.topical)
    return {
        **topical.scores(),
        **{k: v for k, v in whole.scores().items() if k in ("no_topic_auc", ECE)},
        "headline_accuracy": float(headlines.right.mean()),
    }


def _only(predictions: Evaluation, chosen: NDArray[np.bool_]) -> Evaluation:
    return replace(
        predictions,
        labels=predictions.labels[chosen],
        probabilities=predictions.probabilities[chosen],
        no_topic=None if predictions.no_topic is None else predictions.no_topic[chosen],
    )


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
    margins: NDArray[np.float32] = rows(test) @ weights[:-1] + weights[-1]
    return margins
