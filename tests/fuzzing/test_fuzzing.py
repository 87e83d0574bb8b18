"""Each target passes some seconds of fuzzing, and fails on a seeded fault."""

import os
import random
import subprocess
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from service.model import TopicClassifier
from service.model.encoder import TextEncoder
from service.model.tokenization import Tokenizer
from tests.conftest import ROOT
from tests.fuzzing import TARGETS, bodies, bundles, encoder, networks

SECONDS = 4
N_CHANGED = 50
PYTHON = ROOT / ".venv" / "fuzzing" / "bin" / "python"
MODULES = {"encoder": encoder, "bodies": bodies, "bundles": bundles, "networks": networks}


@pytest.mark.parametrize("name", TARGETS)
def test_target_passes_some_seconds_of_fuzzing(name: str) -> None:
    subprocess.run(["make", ".venv/fuzzing/.installed"], cwd=ROOT, check=True)
    command = [str(PYTHON), "-m", "tests.fuzzing", name, "--seconds", str(SECONDS), "--seed", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    n_inputs = int(done.stdout.partition(": ")[2].partition(" ")[0].replace(",", ""))
    assert n_inputs > 2, done.stdout


def check_all(target: Any) -> None:
    for seed in target.seeds():
        target.check(seed)


@pytest.mark.parametrize("target", MODULES.values(), ids=MODULES)
def test_seeds_and_mutations_pass(target: Any) -> None:
    source = random.Random(0)  # noqa: S311
    for seed in target.seeds():
        target.check(seed)
        for _ in range(N_CHANGED if target is not networks else 3):
            target.check(target.mutate(seed, source))


def fail(*arguments: Any, **options: Any) -> Any:
    raise RuntimeError


@pytest.mark.parametrize(
    ("target", "owner", "name", "broken"),
    [
        (encoder, TextEncoder, "encode", fail),
        (encoder, TextEncoder, "token_ids", lambda *_: [1, 2]),
        (encoder, Tokenizer, "token_spans", lambda _, text: [(0, len(text))]),
        (bodies, bodies, "check_answer", fail),
        (bundles, TopicClassifier, "__init__", fail),
        (networks, TopicClassifier, "__init__", lambda *_: os.abort()),
    ],
)
def test_seeded_fault_is_found(
    monkeypatch: pytest.MonkeyPatch,
    target: Any,
    owner: ModuleType | type,
    name: str,
    broken: Callable[..., Any],
) -> None:
    monkeypatch.setattr(owner, name, broken)
    with pytest.raises((AssertionError, RuntimeError)):
        check_all(target)
