"""The pages of docs/explanation: their figures are those of the code and of the served bundle."""

import json
import re
import tomllib
from typing import Any, Final
from xml.etree import ElementTree

import pytest

from service.model.abstention import MAX_NO_TOPIC
from service.settings import ServiceSettings
from tests.conftest import LATEST, ROOT
from training.data import reuters_expected
from training.data.reuters_expected import N_NEGATIVES, N_TEST, N_TRAIN, N_WITHOUT_BODY
from training.data.views import ARTICLE, FIRST_SENTENCES, HEADLINES, KERAS, STREAM
from training.recipes.reuters import read_written_texts, synonyms_for
from training.release import checks

PAGES: Final = ROOT / "docs" / "explanation"
PICTURES: Final = ROOT / "docs" / "pictures"
DRAWINGS: Final = ("request-path", "bundle-life")
SVG: Final = "{http://www.w3.org/2000/svg}"
MIN_FONT_SIZE: Final = 15
"""Of a picture that is 520 wide: 10 pixels on a phone that shows it 350 wide."""


def words_of(name: str) -> str:
    return " ".join((PAGES / name).read_text().split())


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((LATEST / "manifest.json").read_bytes())
    return content


def test_model_page_is_of_the_served_bundle() -> None:
    numbers = re.findall(r"models/reuters/(\d+)", (PAGES / "model.md").read_text())
    assert {*numbers} - {"1"} == {LATEST.name}


@pytest.mark.parametrize("view", [KERAS, ARTICLE])
def test_accuracy(manifest: dict[str, Any], view: str) -> None:
    scores, ece = manifest["scores"], "expected_calibration_error"
    names = ("accuracy", "top_3_accuracy", "macro_f1", "single_topic_accuracy")
    cells = [f"{scores[view][name]:.3f}" for name in (*names, "any_topic_accuracy")]
    cells.append(
        f"{scores[KERAS][ece]:.3f}" if view == KERAS else f"{scores[STREAM][ece]:.3f} on the stream"
    )
    title = view.capitalize() if view == KERAS else view
    assert f"| `linear`, {title}, seed 0 | {' | '.join(cells)} |" in words_of("model.md")


@pytest.mark.parametrize("view", [STREAM, HEADLINES, FIRST_SENTENCES])
def test_abstention_on_the_stream(manifest: dict[str, Any], view: str) -> None:
    scores = manifest["scores"][view]
    names = ("answered_accuracy", "coverage", "negatives_answered")
    cells = " | ".join(f"{100 * scores[name]:.1f} %" for name in names)
    assert f" | {cells} |" in words_of("model.md")


def test_all_topics(manifest: dict[str, Any]) -> None:
    scores = manifest["scores"][STREAM]
    micro, macro = scores["all_topics_micro_f1"], scores["all_topics_macro_f1"]
    assert f"micro F1 is {micro:.3f} and macro F1 {macro:.3f}" in words_of("model.md")


def test_thresholds(manifest: dict[str, Any]) -> None:
    text = words_of("model.md")
    assert f"below the threshold: {manifest['min_confidence']:.3f} for" in text
    assert f"`no_topic` is above {MAX_NO_TOPIC}" in text
    assert manifest["min_known_words_ratio"] == 0.5
    assert "Less than half of the words" in text


def test_training_texts(manifest: dict[str, Any]) -> None:
    recipe, n_written = manifest["recipe"]["settings"], len(read_written_texts())
    assert recipe["written_texts"] == n_written
    for name in ("model.md", "data.md"):
        assert f"{n_written:,}" in words_of(name)
    synonyms = synonyms_for(reuters_expected.TOPIC_CODES)
    assert f"{len(recipe['synonyms'])} of the {len(synonyms)} words in" in words_of("model.md")
    assert f"the other {len(synonyms) - len(recipe['synonyms'])} are" in words_of("model.md")
    assert f"{N_TRAIN:,} newswires with a topic" in words_of("model.md")
    assert f"{N_NEGATIVES[0]:,} indexed newswires without a topic" in words_of("model.md")


def test_rare_topics() -> None:
    n_rare = sum(count < 50 for count in reuters_expected.TRAIN_COUNTS)
    assert f"{n_rare} of the 46 topics have fewer than 50 training texts" in words_of("model.md")


def test_data_page_has_the_known_facts() -> None:
    text = words_of("data.md")
    n_newswires = N_TRAIN + N_TEST
    assert f"{n_newswires:,} of these newswires" in text
    assert f"{N_TRAIN:,} to train on, {N_TEST:,} to test on" in text
    assert f"{N_WITHOUT_BODY} of the {n_newswires:,} newswires have no body" in text
    assert f"{100 * N_WITHOUT_BODY / n_newswires:.1f} %" in text
    assert f"{N_NEGATIVES[0]:,} to train on, {N_NEGATIVES[1]} to test on" in text
    assert f"The {sum(N_NEGATIVES):,} indexed newswires" in text
    assert f"Of its {n_newswires + sum(N_NEGATIVES):,} texts" in text


def test_checks_of_promotion() -> None:
    text = words_of("../how-to/train.md")
    for expected in (
        f"at most {checks.MAX_BYTES // 1_000_000} MB",
        f"{checks.MAX_BYTES_OF_A_TOPIC // 1_000} kB a topic",
        f"at most {checks.MAX_SLOWDOWN} times",
        f"at most {1_000 * checks.MAX_SECONDS:.0f} ms a text",
        f"calibration error of at most {checks.MAX_CALIBRATION_ERROR}",
        f"at least {100 * checks.MIN_PRECISION:.0f} % are correct",
        f"of fewer than {checks.FEW_TEXTS:,}",
        f"with {checks.MIN_TOPIC_NEWSWIRES} test texts has an F1 of at least {checks.MIN_TOPIC_F1}",
        f"of the served bundle less {checks.MAX_TOPIC_F1_DROP}",
        f"at most {checks.MAX_ACCURACY_DROP} or {checks.MAX_TEXTS_DROP} texts below",
    ):
        assert expected in text


def test_limits_and_timeouts() -> None:
    text, settings = words_of("overload.md"), ServiceSettings()
    for expected in (
        f"processed or queued | {settings.max_concurrent_requests} |",
        f"gRPC | {settings.max_concurrent_requests // 2} |",
        f"wait for the thread | {settings.max_buffered_bytes // 1_000_000} MB",
        f"16 kB of each | {settings.max_buffered_bytes // 3_000_000} MB",
        f"`NEWSWIRE_HEADER_TIMEOUT_SECONDS` | {settings.header_timeout_seconds:g} s",
        f"`NEWSWIRE_REQUEST_TIMEOUT_SECONDS` | {settings.request_timeout_seconds:g} s",
        f"`NEWSWIRE_KEEP_ALIVE_SECONDS` | {settings.keep_alive_seconds} s",
        f"`NEWSWIRE_DRAIN_SECONDS={settings.drain_seconds:g}`",
    ):
        assert expected in text


def test_every_step_of_the_path_exists() -> None:
    section = (PAGES / "architecture.md").read_text().split("## The path of a request")[1]
    modules = re.findall(r"`((?:server|api|scheduling|model)/[\w/]+\.py)`", section)
    assert len({*modules}) > 15
    assert [name for name in modules if not (ROOT / "service" / name).is_file()] == []


def test_the_layers_are_those_of_the_import_rules() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = (
        item["layers"] for item in contracts["contracts"] if item.get("containers") == ["service"]
    )
    row = next(
        line
        for line in (PAGES / "architecture.md").read_text().splitlines()
        if "The layers" in line
    )
    named = re.findall(r"`(\w+)`", row.split("|")[1])
    public = [name for layer in layers for name in layer.split(" | ") if name[0] != "_"]
    assert {*named} == {*public} - {"healthcheck"}
    assert named[0] == public[0]
    assert named[-1] == public[-1]


@pytest.mark.parametrize("name", DRAWINGS)
def test_drawing_is_accessible_and_names_modules_that_exist(name: str) -> None:
    svg = ElementTree.parse(PICTURES / f"{name}.svg").getroot()  # noqa: S314 - our own file
    labels = [svg.find(f"{SVG}{name}") for name in ("title", "desc")]
    assert all(label is not None and label.text for label in labels)
    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby") == "title desc"
    texts = [item for item in svg.iter(f"{SVG}text") if item.text]
    assert min(float(item.get("font-size", 0)) for item in texts) >= MIN_FONT_SIZE
    for item in texts:
        for module in re.findall(
            r"\b(?:server|api|scheduling|reload|training)/[\w/.]*", item.text or ""
        ):
            assert any((ROOT / folder / module).exists() for folder in ("service", ".")), module


def test_every_drawing_is_on_the_page() -> None:
    text = (PAGES / "architecture.md").read_text()
    assert re.findall(r"pictures/([\w-]+)\.svg", text) == [*DRAWINGS]
