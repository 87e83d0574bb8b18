"""The model card: what a model is, what it scored, and what it is not for."""

from collections.abc import Mapping, Sequence

from service.model import Manifest
from training.data.views import STREAM
from training.evaluation.evaluate import Evaluation
from training.report.tables import VIEW_TITLES, SCORE_TITLES, cells


def write_model_card(
    manifest: Manifest,
    evaluations: Mapping[str, Evaluation],
    out_of_fold: Mapping[str, Evaluation],
    baselines: Mapping[str, float],
    codes: Sequence[str],
) -> str:
    """Return the model card: what the model is, what it scored, and what it is not for."""
    lines = [
        f"# Model card: {manifest.name}, recipe {manifest.recipe['name']}",
        "",
        f"Recipe `{manifest.recipe['name']}`, trained on {manifest.data['train_newswires']:,} "
        f"newswires of Reuters-21578 (1987) with a topic{_negatives(manifest, 'train')}, measured "
        f"on the {manifest.data['test_newswires']:,} of Keras' test "
        f"split{_negatives(manifest, 'test')}. English business news only.",
        "",
        f"Repeat the run: `{manifest.command}`",
        "",
        "## Scores",
        "",
        "*Keras* is what the Keras data set holds; *article* is its own title and "
        "body, as a client would send it. *Negatives* are indexed newswires of which no topic "
        "fits; the *stream* is both, as they came over the wire; *headlines alone* and *first "
        "sentences alone* are parts of the stream. *Held out* is the stream of the training "
        "newswires in cross-validation. The test newswires took no part in training, calibration "
        "and the choice of thresholds.",
        "",
        "*Accuracy*, *top-3*, *macro F1* and *Brier* are of the texts that have a topic. "
        "*Single-topic* is the accuracy on articles that have one topic only; *any topic* counts "
        "a prediction that is one of an article's several. ECE is the expected calibration error "
        "(15 bins): on the stream, a topic predicted for a negative is wrong. *Coverage* is the "
        "share of the texts with a topic that is not abstained from, *answered* the share of "
        "right predictions among all that are not abstained from, *negatives answered* the share "
        "of negatives that are not. AUC is the area under the ROC curve of `no_topic`.",
        "",
        f"| measured on | {' | '.join(SCORE_TITLES.values())} |",
        f"|---|{'---|' * len(SCORE_TITLES)}",
        *(
            f"| {VIEW_TITLES[view]} | {' | '.join(cells(item))} |"
            for view, item in {**evaluations, **out_of_fold}.items()
        ),
        *(
            f"| {name.replace('_', ' ')} | {accuracy:.4f} |{' |' * (len(SCORE_TITLES) - 1)}"
            for name, accuracy in baselines.items()
        ),
    ]
    lines += [
        *_abstention(manifest, evaluations),
        *_written_texts(manifest),
    ]
    for view, item in evaluations.items():
        if not item.topical.all():
            continue
        lines += [
            *("", f"## By topic, {VIEW_TITLES[view]}", ""),
            "| topic | precision | recall | F1 | test newswires |",
            "|---|---|---|---|---|",
            *(
                f"| {row['topic']} | {row['precision']:.3f} | {row['recall']:.3f} "
                f"| {row['f1']:.3f} | {row['test_newswires']} |"
                for row in item.by_topic(codes)
            ),
        ]
    return "\n".join(lines) + "\n"


def _negatives(manifest: Manifest, split: str) -> str:
    n_negatives = manifest.data.get(f"{split}_negatives", 0)
    return f" and {n_negatives:,} without one" if n_negatives else ""


def _abstention(manifest: Manifest, evaluations: Mapping[str, Evaluation]) -> list[str]:
    if not manifest.min_confidence:
        return []
    lines = [
        *("", "## When it abstains", ""),
        f"`too_few_known_words`: less than {manifest.min_known_words_ratio:.3f} of the words that "
        "are no numbers are known. `no_topic`: that no topic fits is more likely than not. "
        f"`low_confidence`: the highest score is below {manifest.min_confidence:.3f}. The "
        "confidence was chosen on the held-out stream, so that at least 95 % of what is not "
        "abstained from is right.",
    ]
    if STREAM in evaluations:
        scores = evaluations[STREAM].scores()
        lines += [
            "",
            f"On the test stream {scores['answered_accuracy']:.1%} of what is not abstained from "
            f"is right, with {scores['coverage']:.1%} of the newswires that have a topic and "
            f"{scores['negatives_answered']:.1%} of those that have none. The promise holds for "
            "this stream. On a stream with fewer topical texts, or of another kind, measure it.",
        ]
    return lines


def _written_texts(manifest: Manifest) -> list[str]:
    """List what was learnt besides newswires."""
    settings = manifest.recipe["settings"]
    if not settings.get("synonyms"):
        return []
    return [
        *("", "## Words of today", ""),
        f"{settings['written_texts']:,} texts that were written for the project were learnt beside "
        "the newswires: headlines and reports of 1995 to 2025, with a topic and without, and "
        "everyday sentences. These words are known by words of 1987 that they stand for:",
        "",
        ", ".join(
            f"{word} ({' '.join(equivalents)})"
            for word, equivalents in settings["synonyms"].items()
        ),
    ]
