"""How good the newest released model is, from its evaluation."""

import json
from typing import Any, Final

from service.model import load_bundle
from service.model.bundle_files import EVALUATION_FOLDER
from tests.conftest import LATEST
from tests.docs.markdown import block, table, wrap

VIEWS: Final = {
    "stream": "newswires of 1987, whole",
    "headlines": "their headlines alone",
    "first_sentences": "their first sentences alone",
    "keras": "the Keras data set",
}
"""By the names in the evaluation. The first three are streams with texts of none of the topics."""


def short_table() -> str:
    """Return accuracy, macro F1, precision and coverage on each view of the test texts."""
    metrics: dict[str, Any] = json.loads((LATEST / EVALUATION_FOLDER / "metrics.json").read_text())
    rows = []
    for view, name in VIEWS.items():
        scores = metrics[view]["scores"]
        accuracy, macro_f1 = (f"{scores[key]:.3f}" for key in ("accuracy", "macro_f1"))
        shares = [_percent(scores.get(key)) for key in ("answered_accuracy", "coverage")]
        rows.append((name, accuracy, macro_f1, *shares, _percent(scores.get("negatives_answered"))))
    header = ("test texts", "accuracy", "macro F1", "precision", "coverage", "false alarms")
    return block(table(header, rows), wrap(_sentence()))


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}".replace("%", " %")


def _sentence() -> str:
    manifest = load_bundle(LATEST).manifest
    n_texts, n_negatives = (manifest.data[f"test_{kind}"] for kind in ("newswires", "negatives"))
    return (
        f"`models/reuters/{LATEST.name}`, on {n_texts:,} test newswires with a topic and "
        f"{n_negatives:,} of none of the topics. Accuracy and macro F1 are of all texts with a "
        "topic. *Precision* is the share of correct predictions among those without an abstention. "
        "*Coverage* is the share of texts with a topic that have such a prediction, *false alarms* "
        "the share of texts without a topic."
    )
