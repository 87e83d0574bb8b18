"""The model card: training data, scores and limits of a model."""

from collections.abc import Mapping, Sequence
from typing import Final

from service.model import Manifest
from training.data.views import STREAM
from training.evaluation.evaluate import Evaluation
from training.report.tables import (
    SCORE_TITLES,
    TOPIC_COLUMNS,
    VIEW_TITLES,
    markdown_table,
    score_rows,
    topic_rows,
)

INTRODUCTION: Final = """\
# Model card: {manifest.name}, recipe {manifest.recipe[name]}

Recipe `{manifest.recipe[name]}`, trained on {manifest.data[train_newswires]:,} {description} with \
a topic{train_negatives}, measured on {manifest.data[test_newswires]:,} test \
newswires{test_negatives}.

Repeat the run: `{manifest.command}`

## Scores

*Keras* is what the Keras data set holds; *article* is each article's own title and body, as a \
client would send it. *Negatives* are indexed newswires of which no topic fits; the *stream* is \
both, as they came over the wire; *headlines alone* and *first sentences alone* are parts of the \
stream. *Out of fold* is the stream of the training newswires in cross-validation. The test \
newswires took no part in training, calibration and the choice of thresholds.

*Accuracy*, *top-3*, *macro F1* and *Brier* are of the texts that have a topic. *Single-topic* \
is the accuracy on articles that have one topic only; *any topic* counts a prediction that is \
one of an article's several. ECE is the expected calibration error (15 bins): on the stream, a \
topic predicted for a negative is wrong. *Coverage* is the share of the texts with a topic that \
is not abstained from, *answered* the share of right predictions among all that are not \
abstained from, *negatives answered* the share of negatives that are not. AUC is the area under \
the ROC curve of `no_topic`.
"""
ABSTENTION: Final = """
## Abstention

`too_few_known_words`: less than {manifest.min_known_words_ratio:.3f} of the words that are no \
numbers are known. `no_topic`: "no topic fits" is more likely than not. `low_confidence`: the \
highest score is below {manifest.min_confidence:.3f}. The confidence was chosen on the \
out-of-fold stream, so that at least 95 % of the predictions that are not abstained from are right.
"""
ON_THE_STREAM: Final = """
On the test stream {answered_accuracy:.1%} of what is not abstained from is right, with \
{coverage:.1%} of the newswires that have a topic and {negatives_answered:.1%} of those that \
have none. This holds for this stream. Measure it on a stream with fewer topical texts, or of \
another kind.
"""
WRITTEN_TEXTS: Final = """
## Modern words

{written_texts:,} texts written for the project were training texts beside the newswires: \
headlines and reports of 1995 to 2025, with a topic and without, and everyday sentences. \
Synonyms of words of 1987:

{synonyms}
"""


def write_model_card(
    manifest: Manifest,
    evaluations: Mapping[str, Evaluation],
    baselines: Mapping[str, float],
    codes: Sequence[str],
) -> str:
    """Return the model card in Markdown."""
    settings = manifest.recipe["settings"]
    card = INTRODUCTION.format(
        manifest=manifest,
        description=manifest.data.get("description", "newswires"),
        train_negatives=_and_negatives(manifest, "train"),
        test_negatives=_and_negatives(manifest, "test"),
    )
    named = {VIEW_TITLES[view]: evaluation for view, evaluation in evaluations.items()}
    columns = ["measured on", *SCORE_TITLES.values()]
    card += "\n" + markdown_table(columns, score_rows(named, baselines))
    if manifest.min_confidence:
        card += ABSTENTION.format(manifest=manifest)
        if STREAM in evaluations:
            card += ON_THE_STREAM.format(**evaluations[STREAM].scores())
    if settings.get("synonyms"):
        synonyms = (f"{word} ({' '.join(words)})" for word, words in settings["synonyms"].items())
        card += WRITTEN_TEXTS.format(
            written_texts=settings["written_texts"], synonyms=", ".join(synonyms)
        )
    for view, evaluation in evaluations.items():
        if evaluation.topical.all():
            card += f"\n## By topic, {VIEW_TITLES[view]}\n\n"
            card += markdown_table(TOPIC_COLUMNS, topic_rows(evaluation, codes))
    return card


def _and_negatives(manifest: Manifest, split: str) -> str:
    n_negatives = manifest.data.get(f"{split}_negatives", 0)
    return f" and {n_negatives:,} without one" if n_negatives else ""
