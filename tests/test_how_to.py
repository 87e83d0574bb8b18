"""docs/how-to: names in the pages on operation and training are those of the code."""

import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import typer
import yaml
from typer.testing import CliRunner

from tests.benchmarks.__main__ import COMMANDS
from tests.conftest import ROOT
from tests.deploy.expressions import load_dashboard
from tests.deploy.test_observability import PROMTOOL
from tests.docs import makefile
from tests.docs.commands import CLIS, commands
from tests.test_documentation import rows
from tests.test_upgrading import metrics

HOW_TO: Final = ROOT / "docs" / "how-to"
RELIABILITY: Final = ROOT / "tests" / "reliability"
PAGES: Final = sorted(
    {*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")}
    - {HOW_TO / "upgrade.md", ROOT / "docs" / "reference" / "metrics.md"}
)
"""All but the one that lists former names, which tests/test_upgrading.py checks, and the one that
is generated and has recording rules."""
WIDE: Final = {"COLUMNS": "300", "TERM": "dumb"}


def read(name: str) -> str:
    return (HOW_TO / name).read_text()


def yaml_blocks(name: str) -> list[Any]:
    blocks = re.findall(r"^```yaml\n(.*?)^```", read(name), re.MULTILINE | re.DOTALL)
    return [yaml.safe_load(block) for block in blocks]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_metrics_exist(path: Path) -> None:
    named = re.findall(r"\bnewswire_(?!topics\.)[a-z_]+", path.read_text())
    suffixes = r"_(total|bucket|sum|count)$"
    known = {re.sub(suffixes, "", name) for name in metrics()}
    assert {re.sub(suffixes, "", name) for name in named} <= known


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_commands_in_sentences_exist(path: Path) -> None:
    """As inline code; tests/end_to_end/test_documented_commands.py has those of blocks."""
    text = re.sub(r"^ *```.*?^ *```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    targets = {"help", *makefile.targets(), *makefile.maintainers_targets()}
    assert {*re.findall(r"`make ([a-z][\w-]*)", text)} <= targets
    for program in CLIS:
        named = re.findall(rf"`{program} ([a-z][\w-]*)", text)
        assert {f"{program} {name}" for name in named} <= {name for name, _ in commands(program)}
    cases = {module.stem.replace("_", "-") for module in RELIABILITY.glob("*.py")}
    assert {*re.findall(r"\bCASE=([a-z-]+)", text)} <= cases | {"fuzz-coverage"}
    assert {*re.findall(r"`make bench ARGS=([a-z]+)", text)} <= {*COMMANDS}


def test_every_check_of_a_promotion_is_in_the_table() -> None:
    source = (ROOT / "training" / "release" / "checks.py").read_text()
    declared = set(re.findall(r'Check\(\s*"([^"]+)"', source))
    section = read("train.md").split("## 6. ")[1].split("\n## ")[0]
    assert {cells[0].strip("`") for cells in rows(r"`[a-zA-Z0-9, ]+`", section)} == declared


def test_every_benchmark_is_in_the_table() -> None:
    table = rows(r"`make bench ARGS=\w+`", read("benchmark.md"))
    assert [cells[0].removesuffix("`").split("=")[1] for cells in table] == [*COMMANDS]


@pytest.mark.parametrize("path", sorted(HOW_TO.glob("*.md")), ids=lambda path: path.stem)
def test_benchmarks_and_their_options_exist(path: Path) -> None:
    for arguments in re.findall(r'make bench ARGS="([^"]+)"', path.read_text()):
        name, *options = arguments.split()
        cli = typer.Typer(add_completion=False)
        cli.command(name)(COMMANDS[name])
        shown = CliRunner().invoke(cli, ["--help"], env=WIDE).output
        for option in options:
            assert not option.startswith("--") or option in shown, arguments


def test_every_case_of_reliability_is_in_the_table() -> None:
    makefile = (ROOT / "Makefile").read_text()
    (cases,) = re.findall(r"^CASES := ((?:.*\\\n)*.*)$", makefile, re.MULTILINE)
    table = rows(r"`make reliability CASE=[\w-]+`", read("benchmark.md"))
    shown = [cells[0].removesuffix("`").split("=")[1] for cells in table]
    assert shown == cases.replace("\\", " ").split()


def test_rows_and_panels_of_the_dashboard_exist() -> None:
    section = read("monitor.md").split("## Read the dashboard")[1].split("\n## ")[0]
    table = list(rows(r"\*[^*]+\*", section))
    panels = load_dashboard()["panels"]
    titles = [panel["title"] for panel in panels if panel["type"] == "row"]
    assert [cells[0].strip("*") for cells in table] == titles
    named = [name for cells in table for name in re.findall(r"\*([^*]+)\*", cells[2])]
    assert set(named) <= {panel["title"] for panel in panels}


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not on PATH, nor named by PROMTOOL")
def test_configuration_of_prometheus_is_valid(tmp_path: Path) -> None:
    scrape, alerting = yaml_blocks("monitor.md")
    path = tmp_path / "prometheus.yml"
    path.write_text(yaml.safe_dump(scrape | alerting))
    command = [str(PROMTOOL), "check", "config", "--syntax-only", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (job,) = scrape["scrape_configs"]
    deployed = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    assert job["job_name"] == deployed["scrape_configs"][0]["job_name"]


def test_the_weekly_training_is_as_described() -> None:
    workflow = (ROOT / ".github" / "workflows" / "training.yml").read_text()
    jobs = yaml.safe_load(workflow)["jobs"]
    artefacts = [
        step["with"]["name"]
        for step in jobs["train"]["steps"]
        if "upload-artifact" in step.get("uses", "")
    ]
    table = read("retrain-in-ci.md").split("| artefact |")[1].split("\n\n")[0]
    assert [cells[0].strip("`") for cells in rows(r"`\w+`", table)] == artefacts
    (cron,) = re.findall(r'cron: "(\d+) (\d+) \* \* 1"', workflow)
    assert f"Monday at {int(cron[1]):02}:{cron[0]} UTC" in read("retrain-in-ci.md")
    job = ROOT / "deploy" / "kubernetes" / "components" / "training" / "cron-job.yaml"
    assert yaml.safe_load(job.read_text())["spec"]["schedule"] == f"{cron[0]} {cron[1]} * * 1"
