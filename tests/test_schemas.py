"""Files that other programs read have the form that their makers publish."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ISSUE_FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*_*.yml"))
CASES = [
    *((path, "vendor.github-workflows") for path in WORKFLOWS),
    *((path, "custom.github-workflows-require-timeout") for path in WORKFLOWS),
    *((path, "vendor.github-issue-forms") for path in ISSUE_FORMS),
    (ROOT / ".github" / "ISSUE_TEMPLATE" / "config.yml", "vendor.github-issue-config"),
    (ROOT / ".github" / "renovate.json", "vendor.renovate"),
    (ROOT / "CITATION.cff", "vendor.citation-file-format"),
    (ROOT / "docker-compose.yml", "vendor.compose-spec"),
]


def check(path: Path, schema: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema),
            *("--default-filetype", "yaml", str(path)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("path", "schema"), CASES, ids=lambda value: getattr(value, "name", None))
def test_files_match_their_schemas(path: Path, schema: str) -> None:
    done = check(path, schema)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "content", "schema"),
    [
        ("docker-compose.yml", "services: {web: {imagee: nginx}}", "vendor.compose-spec"),
        ("CITATION.cff", "cff-version: 1.2.0\ntitle: no authors", "vendor.citation-file-format"),
        ("renovate.json", '{"packageRules": {}}', "vendor.renovate"),
        ("bug_report.yml", "name: no body\ndescription: x", "vendor.github-issue-forms"),
    ],
)
def test_invalid_files_are_found(tmp_path: Path, name: str, content: str, schema: str) -> None:
    slip = tmp_path / name
    slip.write_text(f"{content}\n")
    assert check(slip, schema).returncode == 1
