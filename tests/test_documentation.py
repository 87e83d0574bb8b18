"""Documentation is tested: what exists is in the reference, and what is there exists."""

import contextlib
import doctest
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from cogapp import Cog
from fastapi.testclient import TestClient

from service.api.routes.ui import PAGES
from service.model import Manifest, load_bundle
from service.settings import PREFIX, ServiceSettings, describe_unknown_variables
from tests.conftest import LATEST, ROOT
from tests.docs import api, bundle, commands, compose, links, makefile, metrics, problems, routes
from tests.docs import settings as settings_page
from tests.docs.records import fields

README = (ROOT / "README.md").read_text()
MAX_LINES = 150
"""Of the README: what is longer belongs into docs/."""
PAGE_OF_PYTHON = ROOT / "docs" / "how-to" / "python.md"
GENERATED = [
    path
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if "[[[cog" in path.read_text()
]
REFERENCE = ROOT / "docs" / "reference"
NAMES = {
    "bundle-format.md": [
        *bundle.FILES,
        *(field.name for field in fields(Manifest) if field.name != "tokenizer"),
    ],
    "cli.md": [name for name, _ in commands.commands(commands.NEWSWIRE)],
    "http-api.md": routes.names(),
    "logs.md": ["request_id", "trace_id", "exception"],
    "make.md": [f"make {name}" for name in (*makefile.targets(), *makefile.maintainers_targets())],
    "metrics.md": [*metrics.names(), *metrics.recording_rules()],
    "problems.md": problems.names(),
    "settings.md": [*settings_page.names(), *compose.variables()],
    "training-cli.md": [name for name, _ in commands.commands(commands.TRAINING)],
}
"""What each page of the reference has, as inline code."""


def rows(first_cell: str, text: str) -> Iterator[tuple[str, ...]]:
    """Cells of each row of a table whose first cell matches."""
    for line in text.splitlines():
        cells = tuple(cell.strip() for cell in line.strip("|").split("|"))
        if line.startswith("|") and re.fullmatch(first_cell, cells[0]):
            yield cells


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.name)
def test_generated_parts(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = Cog().main(["cog", "--check", "--diff", str(path)])
    assert status == 0, f"run: make docs-tables\n{capsys.readouterr().out}"


def test_the_reference_is_generated() -> None:
    assert {path for path in REFERENCE.glob("*.md") if path not in GENERATED} == set()
    assert len(GENERATED) >= 11


@pytest.mark.parametrize("page", NAMES)
def test_reference_is_complete(page: str) -> None:
    text = (REFERENCE / page).read_text()
    assert NAMES[page]
    assert [name for name in NAMES[page] if f"`{name}`" not in text] == []


@pytest.mark.parametrize(
    ("page", "program"),
    [
        ("cli.md", commands.NEWSWIRE),
        ("training-cli.md", commands.TRAINING),
        ("training-cli.md", commands.BATCH),
    ],
)
def test_options(page: str, program: str) -> None:
    """Each is in the part of its command, which ends before the usage of the next."""
    text = (REFERENCE / page).read_text()
    for command, option in commands.options(program):
        section = text.split(f"```text\n{command} [OPTIONS]")[1].split("```text")[0]
        assert re.search(rf"^\| `(?:[\w, -]+, )?{option}[`,]", section, re.M), (command, option)


def test_exported_names_have_a_section() -> None:
    headings = re.findall(r"^### (\w+)$", (REFERENCE / "python-api.md").read_text(), re.M)
    assert sorted(headings) == sorted([*api.names(), *api.FURTHER])


def test_bodies_have_a_section() -> None:
    pages = "".join((REFERENCE / name).read_text() for name in ("http-api.md", "problems.md"))
    linked = re.findall(r"\[`(\w+)`\]\((?:problems\.md)?#\w+\)", pages)
    assert [name for name in linked if f"\n### {name}\n" not in pages] == []


def test_alerts_link_to_the_runbook() -> None:
    text = (REFERENCE / "metrics.md").read_text()
    runbook = ROOT / "docs" / "how-to" / "respond-to-alerts.md"
    for name in metrics.alert_names():
        assert f"[{name}]({metrics.RUNBOOK}#{name.lower()})" in text
        assert name.lower() in links.anchors(runbook)


def test_targets_are_described() -> None:
    """Targets for maintainers have a comment; `make help` has its own line."""
    phony = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    declared = set(phony.group(1).replace("\\\n", "").split()) - {"help"}
    assert declared == makefile.targets().keys() | makefile.maintainers_targets().keys()


def test_variables_of_compose_are_described() -> None:
    table = compose.table_of_variables()
    passed = compose.list_of_settings()
    for name in compose.variables():
        assert f"`{name}`" in table or f"`{name}`" in passed


def test_pages_are_served(client: TestClient) -> None:
    assert routes.PAGES.keys() == PAGES.keys() | {"/openapi.json"}
    for path in routes.PAGES:
        assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "path", [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")], ids=lambda path: path.name
)
def test_modules_exist(path: Path) -> None:
    named = re.findall(r"`((?:service|training|deploy|tests)/[\w./-]*)`", path.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_page_is_linked_from_the_front_page() -> None:
    docs = ROOT / "docs"
    linked = set(re.findall(r"\]\(([\w/-]+\.md)\)", (docs / "index.md").read_text()))
    pages = {str(path.relative_to(docs)) for path in docs.rglob("*.md")} - {"index.md"}
    assert pages - linked == set()
    assert "(docs/index.md)" in README


@pytest.mark.parametrize(
    "path", links.documents(), ids=lambda path: str(path.relative_to(ROOT)).replace("/", "-")
)
def test_links(path: Path) -> None:
    assert links.broken_links(path) == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("docs/**/*.md")), ids=lambda path: path.name)
def test_links_say_where_they_lead(path: Path) -> None:
    """No name of a document is the text of a link: a reader of the site knows no files."""
    assert re.findall(r"\[[\w-]+\.md\]\([^)]*", path.read_text()) == []


def test_every_variable_is_a_setting() -> None:
    """One of another name, such as of a client's, would stop the service of who exports it."""
    documents = (README, *(path.read_text() for path in (ROOT / "docs").rglob("*.md")))
    named = {name for text in documents for name in re.findall(rf"\b{PREFIX}[A-Z_]*[A-Z]\b", text)}
    assert len(named) >= len(ServiceSettings.model_fields)
    assert describe_unknown_variables(dict.fromkeys(named, "")) == ""


def test_compose_passes_every_setting() -> None:
    """The image sets the host; the port inside the container stays, the published one is set."""
    file = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    environment = file["services"]["service"]["environment"]
    passed = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    assert {name.split("_")[0] for name in environment.keys() - passed.keys()} == {"OTEL"}
    names = set(settings_page.names()) - {f"{PREFIX}HOST", f"{PREFIX}PORT"}
    assert passed == {name: f"${{{name}:-}}" for name in names}


def test_the_first_example(client: TestClient) -> None:
    """The README's request gets the README's response, to the digits that it shows."""
    request = json.loads(re.search(r"-d '(\{.*?\})'", README).group(1))  # type: ignore[union-attr]
    shown = json.loads(re.search(r"```json\n(.*?)```", README, re.S).group(1))  # type: ignore[union-attr]
    response = client.post("/classify", json=request).json()
    for topic in response["topics"]:
        topic["score"] = round(topic["score"], 3)
    response["no_topic"] = round(response["no_topic"], 3)
    assert response == shown


@pytest.mark.parametrize(
    ("page", "count"), [(ROOT / "README.md", 4), (PAGE_OF_PYTHON, 20)], ids=["README", "guide"]
)
def test_the_examples_in_python(page: Path, count: int) -> None:
    blocks = re.findall(r"```python\n(>>> .*?)```", page.read_text(), re.DOTALL)
    examples = doctest.DocTestParser().get_doctest("".join(blocks), {}, page.name, None, None)
    assert len(examples.examples) >= count
    shown = io.StringIO()
    with contextlib.chdir(ROOT):
        failed, _ = doctest.DocTestRunner().run(examples, out=shown.write)
    assert failed == 0, shown.getvalue()


def test_the_ways_to_install() -> None:
    """Those of tests/end_to_end/test_install.py, in a sentence of the README."""
    for command in ("uvx --from . newswire serve", "uv tool install .", "newswire serve"):
        assert f"`{command}`" in README


def test_the_number_of_topics() -> None:
    assert f"[{len(load_bundle(LATEST).topics)} topics](models/reuters/{LATEST.name}/" in README


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= MAX_LINES


def test_named_bundle_is_the_released_one() -> None:
    """The figures of the README are those of the bundle that is served; `mlp` is number 1."""
    for path in (ROOT / "README.md", REFERENCE / "open-inference.md"):
        named = re.findall(r'models/reuters/(\d+)\b|"model_version": "(\d+)"', path.read_text())
        assert {first or second for first, second in named} - {"1"} == {LATEST.name}


def test_every_package_is_named() -> None:
    paths = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"))
    text = "".join(path.read_text() for path in paths)
    packages = [*ROOT.glob("service/*/__init__.py"), *ROOT.glob("training/*/__init__.py")]
    names = [f"{path.parent.relative_to(ROOT)}/" for path in packages]
    assert [name for name in names if f"`{name}`" not in text] == []
