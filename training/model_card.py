"""The model card: what a model is, what it scored, and what it is not for."""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files

from service.model import Manifest
from training.evaluation import Evaluation
from training.tables import FORM_TITLES, SCORE_TITLES, cells


def write_model_card(
    manifest: Manifest,
    evaluations: Mapping[str, Evaluation],
    held_out: Mapping[str, Evaluation],
    baselines: Mapping[str, float],
    codes: Sequence[str],
) -> str:
    """Write the model card: what the model is, what it scored, and what it is not for."""
    lines = [
        f"# Model card: {manifest.name}, recipe {manifest.recipe['name']}",
        "",
        f"Recipe `{manifest.recipe['name']}`, trained on {manifest.data['train_newswires']:,} "
        f"newswires of Reuters-21578 (1987), measured on the {manifest.data['test_newswires']:,} "
        "of Keras' test split. English only; texts of today use words that it never saw.",
        "",
        f"Repeat the run: `{manifest.command}`",
        "",
        "## Scores",
        "",
        "*Keras text* is what the Keras data set holds; *own text* is each article's own title and "
        "body, as a client would send it. *Single-topic* is the accuracy on articles that have one "
        "topic only; *any topic* counts an answer that is one of an article's several. ECE is the "
        "expected calibration error (15 bins). *Coverage* is the share that is not abstained from, "
        "*answered* the accuracy on that share. *Held out* are training newswires in "
        "cross-validation. The test newswires were read once, when everything was chosen.",
        "",
        f"| measured on | {' | '.join(SCORE_TITLES.values())} |",
        f"|---|{'---|' * len(SCORE_TITLES)}",
        *(
            f"| {FORM_TITLES[form]} | {' | '.join(cells(item))} |"
            for form, item in {**evaluations, **held_out}.items()
        ),
        *(
            f"| {name.replace('_', ' ')} | {accuracy:.4f} |{' |' * (len(SCORE_TITLES) - 1)}"
            for name, accuracy in baselines.items()
        ),
    ]
    lines += [*_abstention(manifest), *_trials(manifest.recipe["name"])]
    for form, item in evaluations.items():
        lines += [
            *("", f"## By topic, {FORM_TITLES[form]}", ""),
            "| topic | precision | recall | F1 | test newswires |",
            "|---|---|---|---|---|",
            *(
                f"| {row['topic']} | {row['precision']:.3f} | {row['recall']:.3f} "
                f"| {row['f1']:.3f} | {row['test_newswires']} |"
                for row in item.by_topic(codes)
            ),
        ]
    return "\n".join(lines) + "\n"


def _abstention(manifest: Manifest) -> list[str]:
    if not manifest.min_confidence:
        return []
    return [
        *("", "## When it says that it does not know", ""),
        f"Below a score of {manifest.min_confidence:.3f} (`low_confidence`), and where less than "
        f"{manifest.min_known_words_ratio:.3f} of the words are known (`too_few_known_words`). "
        "Both were chosen on what was held out: so that answers are right at least 95 % of the "
        "time, and that nearly all newswires have enough known words.",
    ]


def _trials(recipe: str) -> list[str]:
    """Show what was tried while the recipe was made: the record of `python -m training trials`."""
    record = files("training").joinpath("recipes", f"{recipe}_trials.json")
    if not record.is_file():
        return []
    trials = json.loads(record.read_bytes())
    return [
        *("", "## What was tried", "", trials["method"], ""),
        f"| idea | {' | '.join(trials['columns'])} |",
        f"|---|{'---|' * len(trials['columns'])}",
        *(
            f"| {idea} | {' | '.join('' if cell is None else f'{cell:.4f}' for cell in cells)} |"
            for idea, *cells in trials["rows"]
        ),
    ]
