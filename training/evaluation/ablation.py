"""What each variant of the ``linear`` recipe gains, by cross-validation inside the training split.

The test split is not read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import CountVectorizer

from service.model import NewsText
from service.model.field_encoder import TITLE, NewsEncoder
from service.model.tokenization import NEWS_TOKENIZER
from training.data import Dataset, Split
from training.data.reuters_expected import TOPIC_CODES
from training.data.views import known_topics
from training.data.written_texts import WrittenText, read_written_texts
from training.errors import DataError
from training.evaluation.evaluate import Evaluation
from training.recipes.examples import Kind, TrainingTexts, training_texts
from training.recipes.features import tf_igm, idf_igm
from training.recipes.linear import LinearSettings, calibrate_out_of_fold, split_into_folds
from training.recipes.svm import SVMSettings, fit_each, mean_of_pairs, to_float64

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
    "Each variant by cross-validation inside the training split, on title and body; AUC (of the margin or "
    "probability of no topic) and ECE on the stream. Repeat it with `python -m training ablate`. "
    "Differences below 0.002 may be chance."
)


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant of the recipe.

    Attributes
    ----------
    name : str
    tokens : callable
        A text to its tokens.
    min_newswires : int
        How many newswires a token must stand in.
    any_topic : bool
        Whether to fit SVMs for "is it any of the topics?" too.
    igm_weight : float
        How much more a token of a single topic weighs.
    kinds : frozenset of Kind
        What is learnt.
    negatives : bool
        Whether to learn negatives too.
    calibrated : bool
        Whether to turn the margins into probabilities.
    """

    name: str
    tokens: Callable[[NewsText], list[str]]
    min_newswires: int = 1
    any_topic: bool = False
    igm_weight: float = 0.0
    kinds: frozenset[Kind] = frozenset({Kind.WHOLE})
    negatives: bool = False
    calibrated: bool = False

    def learns(self, texts: TrainingTexts) -> NDArray[np.bool_]:
        """Whether each text is learnt, bool of shape (n_texts,)."""
        of_kind = np.isin(texts.kinds, [kind.value for kind in self.kinds])
        return of_kind & (self.negatives | ~texts.negative)


def words(text: NewsText) -> list[str]:
    """Return every word, the title's included."""
    return [*NEWS_TOKENIZER.tokenize(text.title or ""), *NEWS_TOKENIZER.tokenize(text.text)]


def words_and_title(text: NewsText) -> list[str]:
    """Return every word, and each word of the title once more as a token of its own."""
    return [*words(text), *(TITLE + word for word in NEWS_TOKENIZER.tokenize(text.title or ""))]


def numbers_by_length(text: NewsText) -> list[str]:
    """Return the same, with numbers told apart by their length only."""
    title, body = NewsEncoder.field_words(text.text, text.title)
    return [*title, *body, *(TITLE + word for word in title)]


def fields(text: NewsText) -> list[str]:
    """Return the recipe's tokens: the same, and each word of the lead once more."""
    return NewsEncoder.field_tokens(text.text, text.title)


WORDS: Final = Variant("words", words)
BY_TITLE: Final = replace(WORDS, name="+ words of the title apart", tokens=words_and_title)
BY_LENGTH: Final = replace(WORDS, name="+ numbers by their length only", tokens=numbers_by_length)
BY_LEAD: Final = replace(WORDS, name="+ words of the lead apart", tokens=fields)
NOT_RARE: Final = replace(BY_LEAD, name="+ no token of one newswire only", min_newswires=2)
ANY_TOPIC: Final = replace(NOT_RARE, name="+ SVMs for any of the topics", any_topic=True)
TELLING: Final = replace(ANY_TOPIC, name="+ tokens of few topics weigh more", igm_weight=1.0)
PARTS: Final = replace(
    TELLING,
    name="+ headlines and first sentences learnt too",
    kinds=frozenset({Kind.WHOLE, Kind.TITLE, Kind.SENTENCE}),
)
OUTLIERS: Final = replace(PARTS, name="+ outliers learnt too", kinds=PARTS.kinds | {Kind.OUTLIER})
NEGATIVES: Final = replace(OUTLIERS, name="+ negatives learnt too", negatives=True)
WRITTEN: Final = replace(NEGATIVES, name="+ written texts learnt too", kinds=frozenset(Kind))
RECIPE: Final = replace(WRITTEN, name="+ calibration: the recipe", calibrated=True)
VARIANTS: Final = (
    *(WORDS, BY_TITLE, BY_LENGTH, BY_LEAD, NOT_RARE, ANY_TOPIC, TELLING, PARTS, OUTLIERS),
    *(NEGATIVES, WRITTEN, RECIPE),
    replace(RECIPE, name="the recipe without SVMs for any of the topics", any_topic=False),
    replace(RECIPE, name="the recipe without outliers", kinds=frozenset(Kind) - {Kind.OUTLIER}),
)


def run_ablation(
    dataset: Dataset,
    variants: Sequence[Variant] = VARIANTS,
    written: Sequence[WrittenText] | None = None,
    *,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure each variant.

    Parameters
    ----------
    dataset : Dataset
        With its articles; only its training split is read.
    variants : sequence of Variant
    written : sequence of WrittenText or None
        None takes all that there are.
    seed : int
        Of the folds.

    Returns
    -------
    dict
        ``method``, a sentence; ``columns``; and ``rows``, whose first cell is the variant.
    """
    written = read_written_texts() if written is None else written
    texts = training_texts(dataset.train, dataset.vocabulary, seed=seed, written=written)
    rows = []
    for variant in track(variants, "Ablation"):
        predictions = cross_validate(variant, texts, LinearSettings(seed=seed))
        scores = measure(predictions, texts, dataset.train)
        rows.append([variant.name, *(scores.get(name) for name in COLUMNS)])
    return {"method": METHOD, "columns": list(COLUMNS.values()), "rows": rows}


def cross_validate(variant: Variant, texts: TrainingTexts, settings: LinearSettings) -> Evaluation:
    """Hold out each fold in turn, and return what was predicted for every text."""
    folds = split_into_folds(texts, settings)
    margins = np.zeros((len(folds), len(TOPIC_CODES) + 1), dtype=np.float32)
    learnt = variant.learns(texts)
    for fold in range(settings.folds):
        inside = folds == fold
        margins[inside] = _margins(variant, texts.only(learnt & ~inside), texts.only(inside))
    if variant.calibrated:
        keras.utils.set_random_seed(settings.seed)
        margins = calibrate_out_of_fold(margins, folds, texts, settings)
    no_topic = margins[:, -1] if variant.negatives else None
    return Evaluation(
        texts.labels, margins[:, :-1], probabilistic=variant.calibrated, no_topic=no_topic
    )


def measure(predictions: Evaluation, texts: TrainingTexts, train: Split) -> dict[str, float]:
    """Return the scores on whole newswires, and the accuracy on headlines alone."""
    topics = known_topics(train, TOPIC_CODES)
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
    newswires = train.only(train.whole)
    vectorizer = CountVectorizer(analyzer=variant.tokens, min_df=variant.min_newswires)
    counts = csr_array(vectorizer.fit_transform(newswires.texts))
    token_weights = idf_igm(counts, newswires.labels, variant.igm_weight)

    def rows(texts: TrainingTexts) -> csr_array:
        return to_float64(tf_igm(csr_array(vectorizer.transform(texts.texts)), token_weights))

    asked = train.only(~train.negative)
    n_topics = len(TOPIC_CODES)
    targets = np.hstack([asked.primary_topic, asked.any_topic])
    targets = targets if variant.any_topic else targets[:, :n_topics]
    pairs = fit_each(rows(asked), targets, asked.weights, settings.C)
    topics = mean_of_pairs(pairs, settings.any_topic_weight) if variant.any_topic else pairs
    no_topic = fit_each(
        rows(train),
        ~train.topical[:, np.newaxis],
        train.weights_with(settings.negative_factor),
        settings.C,
    )
    kernel = np.hstack([topics, no_topic])
    margins: NDArray[np.float32] = (rows(test) @ kernel[:-1] + kernel[-1]).astype(np.float32)
    return margins
