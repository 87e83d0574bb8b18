"""Every shell command of the documents is run as it stands, or is named here with a reason."""

import json
import re
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

from service.model.repository import next_bundle
from tests.conftest import LATEST, RELEASED, ROOT
from tests.end_to_end.documented import DOCUMENTS, Block, Sandbox, find_blocks
from tests.end_to_end.running_service import RunningService
from tests.ports import free_port
from training.__main__ import cli as training_cli

NOT_RUN: Final = {
    r"docker compose up$": "tests/compose/test_stack.py",
    r"docker compose --profile balanced up --scale service=3$": "tests/compose/test_balancer.py",
    r"docker compose run --rm .*\btraining$": "tests/compose/test_training.py",
    r"docker compose --profile tracing up --build$": "tests/compose/test_tracing.py",
    r"pip install '\.\[tracing\]'$": "tests/test_requirements.py",
    r"OTEL_TRACES_SAMPLER_ARG=0\.01 newswire serve$": "tests/service/test_traces.py",
    r"pip install '\.\[grpc\]'$": "tests/test_requirements.py",
    r"NEWSWIRE_GRPC_PORT=8001 newswire serve$": "tests/service/server/test_grpc_server.py",
    r"docker build --build-arg REQUIREMENTS=grpc .*": "tests/compose/test_grpc.py",
    r"kubectl apply -k deploy/kubernetes/\S+$": "tests/deploy/test_kubernetes.py",
    r"helm (install|upgrade|template|rollback) ": "tests/deploy/test_helm.py",
    r"kubectl (label namespace|create secret generic) newswire-topics": "tests/deploy/test_helm.py",
    r"kubectl (rollout|port-forward|create job|logs) ": "tests/deploy/test_kubernetes.py",
    r"kubectl cp \S+candidates|kubectl delete pod candidates ": "tests/deploy/test_kubernetes.py",
    r"kubectl cp models/desk/|kubectl (exec|delete pod) bundles ": "tests/deploy/test_helm.py",
    r"docker (build --file|push) \S+": "tests/deploy/test_dockerfiles.py",
    r"promtool (check|test) rules ": "tests/deploy/test_observability.py",
    r"make bench( ARGS=.*)?$|make reliability CASE=\S+": "tests/test_how_to.py",
    r"BENCH_BODIES=\S+ wrk ": "tests/test_benchmarks.py",
}
"""Commands that a test of their own covers instead: compose with other ports, names and a shorter
training; what would be applied to a cluster, built and held to Kubernetes' schemas."""
PLAIN: Final = {"COLUMNS": "300", "TERM": "dumb"}
"""An environment in which typer prints no colours, and cuts no name of an option."""
TRAINS: Final = r"\bmake train\b"
"""A training takes minutes, so make only shows what it would run; that must be a command."""
PROMOTION_TRIES: Final = 3
"""A promotion measures speed, which a busy machine can spoil."""

BLOCKS: Final = find_blocks()


def find(document: str, fragment: str) -> tuple[str, ...]:
    """Return the commands of the one block of a document that holds a fragment."""
    (block,) = (
        block
        for block in BLOCKS
        if block.document == document and any(fragment in command for command in block.commands)
    )
    return block.commands


def is_run_elsewhere(block: Block) -> bool:
    return all(any(re.search(known, command) for known in NOT_RUN) for command in block.commands)


@pytest.fixture
def port() -> str:
    return str(free_port())


@pytest.fixture
def sandbox(tmp_path: Path, data_dir: Path, port: str) -> Sandbox:
    return Sandbox(tmp_path, NEWSWIRE_DATA_DIR=str(data_dir.resolve()), NEWSWIRE_PORT=port)


def served_version(service: RunningService) -> str:
    return str(service.client.get("/model").json()["version"])


Check = Callable[[str, Sandbox], None]


def is_crude(shown: str, sandbox: Sandbox) -> None:
    del sandbox
    assert json.loads(shown[shown.index("{") :])["topic"] == "crude"


def is_infer_response(shown: str, sandbox: Sandbox) -> None:
    del sandbox
    assert json.loads(shown)["outputs"][0]["data"][0] == "crude"


def is_table_of_crude(shown: str, sandbox: Sandbox) -> None:
    """A row of tab-separated values for each file."""
    rows = [line.split("\t") for line in shown.splitlines()]
    names = {path.name for path in (sandbox.folder / "articles").glob("*.txt")}
    assert {Path(row[0]).name for row in rows if row[1] == "crude"} == names


def is_compared(shown: str, sandbox: Sandbox) -> None:
    """The candidate is a copy of the released bundle, so no line differs."""
    assert "agreement\t1\n" in shown
    assert (sandbox.folder / "differ.jsonl").read_text() == ""


def is_checked(shown: str, sandbox: Sandbox) -> None:
    """Every row is in one of the two files."""
    assert "suspected label errors" in shown
    contents = [(sandbox.folder / f"{name}.jsonl").read_text() for name in ("suspects", "others")]
    assert sum(content.count("\n") for content in contents) == 120


def is_earlier_bundle(shown: str, sandbox: Sandbox) -> None:
    """The service was ready, of the bundle that is named in the command."""
    del shown
    assert "serving reuters 4 of models/reuters/4" in (sandbox.folder / "stderr").read_text()


RELEASE: Final = "docs/how-to/release-and-rollback.md"
STARTS: Final[dict[tuple[str, str], Check]] = {
    ("README.md", '"top_k": 2'): is_crude,
    (RELEASE, "NEWSWIRE_MODEL_DIR="): is_earlier_bundle,
    (RELEASE, "newswire compare"): is_compared,
    ("README.md", "newswire classify articles"): is_table_of_crude,
    ("docs/how-to/correct-labels.md", "make check-data"): is_checked,
}
"""Blocks that need no service, or start one."""
ASKS: Final[dict[tuple[str, str], Check]] = {
    ("docs/reference/http-api.md", "--data-binary @story.txt"): is_crude,
    ("docs/reference/open-inference.md", "/infer"): is_infer_response,
}
"""Blocks that ask one that runs."""
TRAIN: Final = "docs/how-to/train.md"
OF_TRAIN: Final = ("make check-data", "--name desk", "--by-topic", "--to models/desk", "make serve")
"""Blocks of one page that are run one after the other."""
OTHERS: Final = (
    ("README.md", "NEWSWIRE_MODEL_DIR=models/desk make serve"),
    (RELEASE, "make promote"),
    (RELEASE, ".withdrawn"),
    (TRAIN, "for seed"),
    *((TRAIN, fragment) for fragment in OF_TRAIN),
)
"""Blocks with a test of their own, below."""


def test_commands_are_in_blocks_of_one_kind() -> None:
    """Those of other names would not be run."""
    pages = (*DOCUMENTS, *(ROOT / "docs" / "tutorials").glob("*.md"))
    others = re.compile(r"^ *```(?:sh|bash|shell|zsh)\b", re.MULTILINE)
    assert [page.name for page in pages if others.search(page.read_text())] == []


def test_every_command_is_run() -> None:
    run = [find(*case) for case in (*STARTS, *ASKS, *OTHERS)]
    assert len(set(run)) == len(run)
    left = [block for block in BLOCKS if block.commands not in run and not is_run_elsewhere(block)]
    assert left == [], "name them in a test"
    assert len(BLOCKS) >= 14


@pytest.mark.parametrize("known", NOT_RUN)
def test_tests_of_the_other_commands_exist(known: str) -> None:
    assert (ROOT / NOT_RUN[known]).is_file()
    commands = [command for block in BLOCKS for command in block.commands]
    assert any(re.search(known, command) for command in commands), "no document has it any more"


@pytest.mark.parametrize("case", STARTS, ids=" ".join)
def test_commands_without_a_service(sandbox: Sandbox, case: tuple[str, str]) -> None:
    STARTS[case](sandbox.run(*find(*case)), sandbox)


@pytest.mark.parametrize("case", ASKS, ids=" ".join)
def test_commands_that_call_a_service(sandbox: Sandbox, case: tuple[str, str]) -> None:
    with RunningService() as service:
        ASKS[case](sandbox.run(*find(*case), NEWSWIRE_PORT=str(service.port)), sandbox)


def promote_and_release(sandbox: Sandbox, commands: tuple[str, ...], **variables: str) -> None:
    """Run a block that begins with a promotion, and that once more if it was the speed."""
    promote, *release = commands
    assert promote.startswith("make promote ")
    for tries_left in reversed(range(PROMOTION_TRIES)):
        try:
            sandbox.run(promote)
            break
        except AssertionError as error:
            if not tries_left or "speed" not in str(error):
                raise
    sandbox.run(*release, **variables)


def test_release_and_rollback(sandbox: Sandbox) -> None:
    """A candidate is promoted, put beside, renamed into place and served; then it is withdrawn."""
    released = next_bundle(RELEASED).name
    assert f'"$MODELS/{released}"' in (ROOT / RELEASE).read_text(), "expected the next number"
    models = sandbox.folder / "served"
    models.mkdir()
    for path in (sandbox.folder / "models" / "reuters").iterdir():
        (models / path.name).symlink_to(path)
    with RunningService(NEWSWIRE_MODEL_DIR=str(models)) as service:
        variables = {"MODELS": str(models), "PID": str(service.process.pid)}
        assert served_version(service) == LATEST.name
        promote_and_release(sandbox, find(RELEASE, "make promote"), **variables)
        wait_for_version(service, released)
        assert not (models / f".{released}").exists()
        sandbox.run(*find(RELEASE, ".withdrawn"), **variables)
        wait_for_version(service, LATEST.name)
        assert (models / f"{released}.withdrawn" / "manifest.json").is_file()


def wait_for_version(service: RunningService, version: str) -> None:
    deadline = time.monotonic() + 60
    while served_version(service) != version:
        assert time.monotonic() < deadline, f"not served: {version}"
        time.sleep(0.05)


def check_training_commands(shown: str) -> None:
    """Each command that make would run is one of the training's, with its options."""
    lines = re.findall(r"python -m training (.*)", shown)
    assert lines
    for line in lines:
        result = CliRunner().invoke(training_cli, [*line.split(), "--help"], env=PLAIN)
        assert result.exit_code == 0, result.output
        command, *options = line.split()
        for option in options:
            assert not option.startswith("--") or option in result.output, option
        assert command in {"train", "promote", "evaluate"}


def test_training(sandbox: Sandbox) -> None:
    """Of a training is shown what it would do; the candidates that it would leave are there."""
    for command in find(TRAIN, "for seed"):
        if re.search(TRAINS, command):
            check_training_commands(sandbox.run(command, MAKEFLAGS="n"))
        else:
            assert "accuracy" in sandbox.run(command)


@pytest.mark.parametrize(
    ("document", "fragments"),
    [("README.md", ["NEWSWIRE_MODEL_DIR=models/desk make serve"]), (TRAIN, OF_TRAIN)],
    ids=["README", "train"],
)
def test_own_topics(sandbox: Sandbox, document: str, fragments: Sequence[str]) -> None:
    """From a file of labelled texts to a service, word for word."""
    shutil.rmtree(sandbox.folder / "models" / "candidates")
    commands = [command for fragment in fragments for command in find(document, fragment)]
    shown = sandbox.run(*commands)
    assert "Released as models/desk/1" in shown
    assert "serving desk 1 of models/desk" in (sandbox.folder / "stderr").read_text()
