"""Rules and dashboard on the metrics of models of 2 and of 1,000 topics, by promtool."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from service.app import create_app
from service.model import load_classifier
from service.observability.metrics import make_registry
from service.settings import ServiceSettings
from tests.deploy.expressions import PROMETHEUS, panel_expressions
from tests.deploy.test_observability import PROMTOOL
from tests.synthetic_bundles import NO_TOPIC_TEXT, code_of, save_synthetic_bundle, text_of

MINUTES: Final = 248
"""Longer than the three hours for which an index must be high, and the first one."""
EVALUATION_MINUTES: Final = 4
"""Less than the 5 minutes after which a recorded value is stale."""
TEXTS_PER_HOUR: Final = 1_200
SHOWN_TOPICS: Final = 50
SMOOTHING_TEXTS: Final = 10
SMOOTHING_SHARE: Final = 0.0001

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROMTOOL is None, reason="promtool is not on PATH, nor named by PROMTOOL"),
]
Series = dict[tuple[str, tuple[tuple[str, str], ...]], tuple[bool, float]]
"""Whether it is a counter, and its value, by name and labels."""


class Model(NamedTuple):
    """What a service exports after some requests, and how many topics its model has."""

    n_topics: int
    series: Series


@pytest.fixture(scope="module", params=[2, 1_000])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    n_topics = request.param
    folder = save_synthetic_bundle(tmp_path_factory.mktemp("any") / "1", n_topics)
    registry = make_registry()
    app = create_app(ServiceSettings(), load_classifier(folder), registry)
    texts = [text_of(n_topics - 1), NO_TOPIC_TEXT, "unknown words alone"]
    with TestClient(app) as client:
        for text in (*texts, ""):
            client.post("/classify", json={"text": text})
        client.post("/classify/batch", json={"items": [{"text": text} for text in texts]})
    series: Series = {("up", ()): (False, 1)}
    for family in registry.collect():
        for sample in family.samples:
            is_counter = family.type in ("counter", "histogram")
            key = (sample.name, tuple(sorted(sample.labels.items())))
            if not sample.name.endswith("_created"):
                series[key] = (is_counter, sample.value)
    return Model(n_topics, series)


def input_series(model: Model, predictions: NDArray[np.int64]) -> list[dict[str, str]]:
    """Return series of hours with the same traffic each minute.

    Parameters
    ----------
    predictions : int64 array of shape (n_topics,)
        Texts an hour by topic, together `TEXTS_PER_HOUR`.
    """
    _, n_texts = model.series["newswire_text_words_count", ()]
    per_minute = TEXTS_PER_HOUR / 60 / n_texts
    counts = {code_of(topic_id): count / 60 for topic_id, count in enumerate(predictions.tolist())}
    written = []
    for (name, labels), (is_counter, value) in model.series.items():
        given = dict(labels)
        step = value * per_minute if is_counter else 0
        if name == "newswire_predictions_total":
            step = counts[given["topic"]]
        shown = {**given, "job": "newswire", "instance": "a"}
        text = ",".join(
            f"{label}={json.dumps(v, ensure_ascii=False)}" for label, v in shown.items()
        )
        start = 0 if is_counter else value
        written.append({"series": f"{name}{{{text}}}", "values": f"{start}+{step}x{MINUTES}"})
    return written


def check(
    model: Model, predictions: NDArray[np.int64], expected: Mapping[str, float], folder: Path
) -> None:
    """Have promtool evaluate expressions at the end of the hours; each must have one value."""
    tests = [
        {
            "expr": expression,
            "eval_time": f"{MINUTES}m",
            "exp_samples": [{"labels": "{}", "value": value}],
        }
        for expression, value in expected.items()
    ]
    case: dict[str, Any] = {"interval": "1m", "input_series": input_series(model, predictions)}
    case["promql_expr_test"] = tests
    rules = [str(path) for path in sorted((PROMETHEUS / "rules").glob("*.yml"))]
    file = folder / "test.yml"
    content = {
        "rule_files": rules,
        "evaluation_interval": f"{EVALUATION_MINUTES}m",
        "tests": [case],
    }
    file.write_text(json.dumps(content, ensure_ascii=False))
    done = subprocess.run(
        [str(PROMTOOL), "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[:3_000]


def stability_index(predictions: NDArray[np.int64]) -> float:
    """Return the population stability index to a baseline with as many texts of each topic."""
    n_topics = len(predictions)
    then = (1 / n_topics + SMOOTHING_SHARE / n_topics) / (1 + SMOOTHING_SHARE)
    now = (predictions + SMOOTHING_TEXTS * then) / (predictions.sum() + SMOOTHING_TEXTS)
    return float(((now - then) * np.log(now / then)).sum())


FIRING: Final = 'count(ALERTS{alertname="NewswireTopicDrift", alertstate="firing"}) or vector(0)'
INDEX: Final = 'round(sum(newswire:psi:1h{distribution="topics"}), 0.001)'


def test_expressions_have_values_and_chance_is_no_drift(model: Model, tmp_path: Path) -> None:
    """Of 1,000 topics, texts drawn as in training have an index of 0.9."""
    source = np.random.default_rng(0)
    shares = np.full(model.n_topics, 1 / model.n_topics)
    predictions = source.multinomial(TEXTS_PER_HOUR, shares)
    expected: dict[str, float] = {
        f"count({expression.replace('[1m]', '[5m]')}) > bool 0": 1
        for _, expression in panel_expressions()
    }
    of_topics = [text for title, text in panel_expressions() if title == "Topic distribution"]
    for expression in of_topics:
        expected[f"count({expression})"] = min(model.n_topics, SHOWN_TOPICS)
        if model.n_topics <= SHOWN_TOPICS:
            expected[f"round(sum({expression}), 0.001)"] = 1
    expected[INDEX] = round(stability_index(predictions), 3)
    expected[FIRING] = 0
    check(model, predictions, expected, tmp_path)
    assert model.n_topics < SHOWN_TOPICS or stability_index(predictions) > 0.25


def test_drift_of_topics_is_an_alert(model: Model, tmp_path: Path) -> None:
    """All texts have the last topic, which is among those that are shown."""
    predictions = np.zeros(model.n_topics, dtype=np.int64)
    predictions[-1] = TEXTS_PER_HOUR
    shares, _ = (text for title, text in panel_expressions() if title == "Topic distribution")
    expected = {
        INDEX: round(stability_index(predictions), 3),
        FIRING: 1,
        f"round(sum(({shares}) > 0), 0.001)": 1,
    }
    check(model, predictions, expected, tmp_path)
