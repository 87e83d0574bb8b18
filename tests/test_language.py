"""The project uses the terms of its field: words of its former dialect do not come back."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import ROOT

PLACES: Final = (
    *("service", "training", "deploy", "tests", "docs"),
    *("README.md", "SECURITY.md", "CONTRIBUTING.md", "Makefile", "pyproject.toml"),
    *("CODE_OF_CONDUCT.md", "docker-compose.yml", ".github", ".ci"),
)
FORMER_NAMES: Final = ROOT / "docs" / "how-to" / "upgrade.md"
"""Lists them, with those of today."""
SUFFIXES: Final = {"", ".py", ".md", ".yml", ".yaml", ".js", ".css", ".html", ".toml", ".conf"}
FORMER: Final = {
    r"\bgather(ing|er)\b": "batching",
    r"\banswer(er|ing)\b": "predictor, response",
    r"\bshortcuts?\b": "fast path",
    r"\boutsiders?\b": "outlier",
    r"\bmachines\.py\b|\blinear machines\b|\blinearmachines\b": "linear SVMs",
    r"\bprov(e|es|ed|en|ing)\b|\bproofs?\b": "verify, verification",
    r"\btrials?\b": "validation (of a bundle), ablation (of a recipe)",
    r"(?<!connection )(?<!connection)\brefus(e|es|ed|al|als|ing)\b": "reject, fail",
    r"\bwhoever\b|\bnobody\b": "client, process, load balancer",
    r"\bMOST_\w+": "MAX_",
    r"\bLEAST_\w+": "MIN_",
    r"\bbulk\b": "batch",
    r"\bcontestants?\b": "target",
    r"\brivals?\b|\byardsticks?\b": "baseline, speed reference",
    r"\bbelieved\b": "trusted",
    r"\bclassify-archive\b|\btry-(overload|slow|flips|stops|kills|faults|soak|reload)": "make help",
    r"\bto be told to\b|\bwhat is more is\b": "a sentence with a subject",
}
"""Each former word and the term that takes its place."""


def files() -> Iterator[Path]:
    for name in PLACES:
        place = ROOT / name
        paths = [place] if place.is_file() else sorted(place.rglob("*"))
        for path in paths:
            exempt = path in {FORMER_NAMES, Path(__file__)}
            if path.is_file() and path.suffix in SUFFIXES and not exempt:
                yield path


@pytest.mark.parametrize("pattern", FORMER, ids=FORMER.values())
def test_no_former_word(pattern: str) -> None:
    word = re.compile(pattern, re.IGNORECASE if pattern.islower() else re.NOFLAG)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if word.search(line)
    ]
    assert found == [], f"use instead: {FORMER[pattern]}"
