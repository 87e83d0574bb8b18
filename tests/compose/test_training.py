"""``docker compose run --rm training``: a candidate in ``models/``, as the calling user."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.model import load_classifier
from tests.compose.stack import Stack
from tests.conftest import ROOT

CANDIDATES = ROOT / "models" / "candidates"
USER = 12345
"""Somebody who owns nothing in the image."""


@pytest.fixture
def candidate() -> Iterator[Path]:
    """The folder that the training writes to, apart from the user's candidates."""
    was_there = CANDIDATES.exists()
    CANDIDATES.mkdir(exist_ok=True)
    place = CANDIDATES / "compose-test"
    place.mkdir()
    if os.getuid() == 0:
        os.chown(place, USER, USER)
        os.chown(CANDIDATES, USER, USER)
    yield place
    shutil.rmtree(CANDIDATES if not was_there else place)


def test_it_trains(data_dir: Path, candidate: Path) -> None:
    owner = USER if os.getuid() == 0 else os.getuid()
    stack = Stack()
    data = ("-v", f"{data_dir.resolve()}:/data:ro", "-e", "NEWSWIRE_DATA_DIR=/data")
    out = f"models/candidates/{candidate.name}"
    stack.compose("build", "training")
    try:
        shown = stack.compose(
            *("run", "--rm", "-T", *data, "training", "train", "--recipe=mlp", "--out", out),
            NEWSWIRE_UID=str(owner),
            NEWSWIRE_GID=str(owner),
        )
    finally:
        stack.compose("down", "--volumes", "--remove-orphans")
    assert f"Wrote the bundle to {out}" in shown
    assert load_classifier(candidate).manifest.recipe["name"] == "mlp"
    assert {path.stat().st_uid for path in candidate.rglob("*")} == {owner}
