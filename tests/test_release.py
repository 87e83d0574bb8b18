"""What a release needs: one version everywhere, its notes, and actions that are pinned."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from service import __version__
from tests.conftest import ROOT

NOTES = ROOT / ".ci" / "release_notes.py"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CHANGELOG = f"""# Changelog

## [Unreleased]

- Not of this release

## [{__version__}] - 2026-01-02

### Added

- One entry,
  of two lines: [docs](docs/index.md), [elsewhere](https://example.org/a)
- Another

## [0.0.1] - 2026-01-01

- Older
"""


def release_notes(tag: str, root: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a copy of the script beside the changelog of ``root``."""
    for path in (NOTES, ROOT / "service" / "__init__.py"):
        copy = root / path.relative_to(ROOT)
        copy.parent.mkdir()
        copy.write_text(path.read_text())
    command = (sys.executable, root / NOTES.relative_to(ROOT), tag)
    environment = os.environ | variables
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("url", ["", "https://example.com/owner/name/blob/v1"])
def test_notes_are_the_section_of_the_version(tmp_path: Path, url: str) -> None:
    """Files of the repository are linked where the forge has them."""
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    shown = release_notes(f"v{__version__}", tmp_path, REPOSITORY_URL=url)
    docs = f"{url}/docs/index.md" if url else "docs/index.md"
    links = f"[docs]({docs}), [elsewhere](https://example.org/a)"
    assert shown.stdout == f"### Added\n\n- One entry, of two lines: {links}\n- Another\n"
    assert shown.returncode == 0


@pytest.mark.parametrize(
    ("tag", "changelog", "message"),
    [
        ("v9.9.9", CHANGELOG, f"expected the tag v{__version__}, of service.__version__"),
        (f"v{__version__}", CHANGELOG.replace("2026-01-02", "soon"), "expected a section"),
        (f"v{__version__}", CHANGELOG.replace(__version__, "0.0.2"), "expected a section"),
        (f"v{__version__}", CHANGELOG.replace("- One", "One").replace("- A", "A"), "with entries"),
    ],
)
def test_what_is_not_prepared_is_not_released(
    tmp_path: Path, tag: str, changelog: str, message: str
) -> None:
    (tmp_path / "CHANGELOG.md").write_text(changelog)
    shown = release_notes(tag, tmp_path)
    assert shown.returncode == 1
    assert shown.stdout == ""
    assert shown.stderr.startswith("error: ")
    assert message in shown.stderr


def test_the_version_is_prepared() -> None:
    command = (sys.executable, NOTES, f"v{__version__}")
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert len(re.findall(r"^- ", shown.stdout, re.M)) > 3
    (date,) = re.findall(
        rf"^## \[{re.escape(__version__)}\] - (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.M
    )
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (citation["version"], citation["date-released"]) == (__version__, date)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    """With the version in a comment, which Renovate reads and updates."""
    for line in re.findall(r"uses: (.*)$", path.read_text(), re.M):
        assert line.startswith("./") or re.fullmatch(
            r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line
        )


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_have_few_permissions(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert "uses" in job or job["timeout-minutes"] <= 60


def test_a_tag_is_tested_before_it_is_published() -> None:
    release = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    jobs = release["jobs"]
    assert jobs["test"]["uses"] == "./.github/workflows/ci.yml"
    assert {"test", "distributions"} <= set(jobs["images"]["needs"])
    assert {"test", "distributions", "images"} <= set(jobs["release"]["needs"])
    images = yaml.safe_load((ROOT / ".github" / "workflows" / "images.yml").read_text())
    assert "tags" not in images[True]["push"]  # YAML reads the key `on` as true
    assert "make dist" in [step.get("run") for step in jobs["distributions"]["steps"]]


def test_pre_commit_runs_the_lint_of_ci() -> None:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    (hook,) = repository["hooks"]
    assert (repository["repo"], hook["entry"], hook["language"]) == ("local", "make lint", "system")
    assert hook["pass_filenames"] is False
    assert "make lint" in (ROOT / ".ci" / "run").read_text().splitlines()
