"""Documentation is tested: what exists is in the README, and what is there exists."""

import contextlib
import doctest
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry
from typer.main import get_command

from service.api.problems import PROBLEMS, TYPE_PREFIX
from service.api.schemas import ClassifyRequest
from service.cli.commands import cli as newswire_cli
from service.observability.metrics import ServiceMetrics
from service.settings import PREFIX, ServiceSettings, describe_unknown_variables
from tests.conftest import LATEST, ROOT
from training.__main__ import cli as training_cli

BUNDLE_LABELS = "`name`, `version`, `recipe`, `created`"
"""An Info has its labels in its value; tests/service/observability/test_metrics.py has them."""

README = (ROOT / "README.md").read_text()


def rows(first_cell: str, text: str = README) -> Iterator[tuple[str, ...]]:
    """Cells of each row of a table whose first cell matches."""
    for line in text.splitlines():
        cells = tuple(cell.strip() for cell in line.strip("|").split("|"))
        if line.startswith("|") and re.fullmatch(first_cell, cells[0]):
            yield cells


@pytest.mark.parametrize(
    "path", [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")], ids=lambda path: path.name
)
def test_modules_exist(path: Path) -> None:
    named = re.findall(r"`((?:service|training|deploy|tests)/[\w./-]*)`", path.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_make_targets() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = dict(re.findall(r"^([a-z-]+):.*## (.*)$", makefile, flags=re.MULTILINE))
    documented = {cells[0].strip("`").split()[1]: cells[1] for cells in rows(r"`make [a-z-]+`")}
    assert documented == targets


def test_settings() -> None:
    settings = {
        f"`{PREFIX}{name.upper()}`": (
            f"`{field.get_default(call_default_factory=True, validated_data={})}`",
            field.description,
        )
        for name, field in ServiceSettings.model_fields.items()
    }
    table = README.split("### Settings")[1].split("### ")[0]
    documented = {cells[0]: cells[1:3] for cells in rows(r"`NEWSWIRE_\w+`", table)}
    assert documented == settings


def test_variables_of_compose() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    declared = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", compose))
    table = README.split("## With docker compose")[1].split("\n## ")[0]
    documented = {
        name: cells[1].strip("`")
        for cells in rows(r"`\w+`(, `\w+`)*", table)
        for name in re.findall(r"\w+", cells[0])
    }
    assert documented == declared


def test_every_variable_is_a_setting() -> None:
    """One of another name, such as of a client's, would stop the service of who exports it."""
    documents = (README, *(path.read_text() for path in (ROOT / "docs").rglob("*.md")))
    named = {name for text in documents for name in re.findall(rf"\b{PREFIX}[A-Z_]*[A-Z]\b", text)}
    assert len(named) >= len(ServiceSettings.model_fields)
    assert describe_unknown_variables(dict.fromkeys(named, "")) == ""


def test_compose_passes_every_setting() -> None:
    """The image sets the host; the port inside the container stays, the published one is set."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    environment = compose["services"]["service"]["environment"]
    passed = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    assert {name.split("_")[0] for name in environment.keys() - passed.keys()} == {"OTEL"}
    names = {f"{PREFIX}{name.upper()}" for name in ServiceSettings.model_fields}
    names -= {f"{PREFIX}HOST", f"{PREFIX}PORT"}
    assert passed == {name: f"${{{name}:-}}" for name in names}


def test_metrics() -> None:
    metrics = ServiceMetrics(CollectorRegistry())
    declared = {}
    for metric in vars(metrics).values():
        if hasattr(metric, "describe"):
            (family,) = metric.describe()
            suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
            labels = ", ".join(f"`{name}`" for name in getattr(metric, "_labelnames", ()))
            declared[f"`{family.name}{suffix}`"] = (labels, family.documentation)
    declared["`newswire_model_info`"] = (BUNDLE_LABELS, declared["`newswire_model_info`"][1])
    documented = {cells[0]: cells[1:3] for cells in rows(r"`newswire_\w+`")}
    assert documented == declared


def test_routes(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    described = {
        f"`{method.upper()} {path}`" for path, methods in paths.items() for method in methods
    }
    documented = {cells[0] for cells in rows(r"`(GET|POST) /\S*`")}
    assert documented == described | {"`GET /openapi.json`", "`GET /docs`", "`GET /`"}
    for request in documented - described:
        assert client.get(request.strip("`").split()[1]).status_code == 200


def test_the_first_example(client: TestClient) -> None:
    """The README's request gets the README's answer, to the digits that it shows."""
    request = json.loads(re.search(r"-d '(\{.*?\})'", README).group(1))  # type: ignore[union-attr]
    shown = json.loads(re.search(r"```json\n(.*?)```", README, re.S).group(1))  # type: ignore[union-attr]
    answer = client.post("/classify", json=request).json()
    for topic in answer["topics"]:
        topic["score"] = round(topic["score"], 3)
    answer["no_topic"] = round(answer["no_topic"], 3)
    assert answer == shown


def test_the_examples_in_python() -> None:
    section = README.split("### From Python\n")[1].split("\n### ")[0]
    blocks = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    examples = doctest.DocTestParser().get_doctest("".join(blocks), {}, "README.md", None, None)
    assert len(examples.examples) >= 9
    shown = io.StringIO()
    with contextlib.chdir(ROOT):
        failed, _ = doctest.DocTestRunner().run(examples, out=shown.write)
    assert failed == 0, shown.getvalue()


def test_the_fields_of_a_request() -> None:
    fields = ClassifyRequest.model_fields
    documented = {
        cells[0].strip("`"): cells[1]
        for cells in rows(r"`(text|title|top_k|min_confidence|explain|all_topics|subjects)`")
    }
    assert documented.keys() == fields.keys()
    for name, field in fields.items():
        default = "optional" if field.default is None else str(field.default)
        assert documented[name] == ("required" if field.is_required() else default)


def test_problems() -> None:
    declared = {(str(kind.status), f"`{TYPE_PREFIX}{kind.slug}`") for kind in PROBLEMS.values()}
    assert {cells[:2] for cells in rows(r"\d{3}")} == declared
    assert next(rows("404, 405"))[1] == "`about:blank`"


@pytest.mark.parametrize(
    ("program", "cli"), [("python -m training", training_cli), ("newswire", newswire_cli)]
)
def test_commands(program: str, cli: typer.Typer) -> None:
    commands = {
        f"`{program} {name}`": (command.help or "").split("\n\n")[0].replace("\n", " ")
        for name, command in get_command(cli).commands.items()  # type: ignore[attr-defined]
    }
    documented = {cells[0]: cells[1] for cells in rows(rf"`{program} [\w-]+`")}
    assert documented == commands


@pytest.mark.parametrize("path", sorted(set(re.findall(r"^\| `([\w/]+/)` \|", README, re.M))))
def test_folders(path: str) -> None:
    assert (ROOT / path).is_dir()


def test_named_bundle_is_the_released_one() -> None:
    """The figures of the README are those of the bundle that is served; `mlp` is number 1."""
    for path in (ROOT / "README.md", ROOT / "docs" / "reference" / "open-inference.md"):
        named = re.findall(r'`models/reuters/(\d+)`|"model_version": "(\d+)"', path.read_text())
        assert {first or second for first, second in named} - {"1"} == {LATEST.name}


def test_every_package_is_listed() -> None:
    packages = [*ROOT.glob("service/*/__init__.py"), *ROOT.glob("training/*/__init__.py")]
    names = [f"{path.parent.relative_to(ROOT)}/" for path in packages]
    assert [name for name in names if f"`{name}`" not in README] == []
