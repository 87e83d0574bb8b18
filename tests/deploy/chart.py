"""The chart ``deploy/helm/newswire-topics`` as Helm renders it."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tests.conftest import ROOT
from tests.deploy.manifests import Object, find_tool

CHART: Final = ROOT / "deploy" / "helm" / "newswire-topics"
NAME: Final = "newswire-topics"
SYMBOLIC_LINK: Final = 'msg="found symbolic link in path.'
"""Helm says so of the rules, which are those of deploy/prometheus."""

Values = Mapping[str, Any]


def run_helm(*arguments: str, values: Values | None = None) -> subprocess.CompletedProcess[str]:
    """Run Helm with values from standard input."""
    command = [find_tool("helm", "helm"), *arguments, "--values", "-"]
    given = yaml.safe_dump(dict(values or {}))
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False)


def messages(done: subprocess.CompletedProcess[str]) -> str:
    """Return what Helm says, but of symbolic links."""
    lines = done.stderr.splitlines(keepends=True)
    return "".join(line for line in lines if SYMBOLIC_LINK not in line)


def render(
    values: Values | None = None,
    *,
    release: str = NAME,
    namespace: str = NAME,
    chart: Path = CHART,
    files: tuple[Path, ...] = (),
) -> list[Object]:
    """Return the objects of a release."""
    options = [option for file in files for option in ("--values", str(file))]
    done = run_helm(
        "template", release, str(chart), "--namespace", namespace, *options, values=values
    )
    assert done.returncode == 0, done.stderr
    assert messages(done) == ""
    return [item for item in yaml.safe_load_all(done.stdout) if item]


def render_error(values: Values) -> str:
    """Return what Helm says of values that the chart rejects."""
    done = run_helm("template", NAME, str(CHART), values=values)
    assert done.returncode != 0, "the values were accepted"
    return messages(done)
