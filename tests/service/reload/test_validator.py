import os
import resource
import threading
import time
from pathlib import Path
from typing import NoReturn

import pytest

from service.model import BundleError, load_bundle
from service.reload import validator as module
from service.reload.validator import BundleValidator
from tests.conftest import LATEST, RELEASED
from tests.hostile_bundles import DEVOURING, NETWORKS, edit_network

pytestmark = pytest.mark.slow


def load_by(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the subprocess run code in place of loading a bundle."""
    program = (
        "import os, sys, time; sys.path.append(sys.argv[1])\n"
        "from service.reload import validator\n"
        f"def load(path): {code}\n"
        "validator.load_classifier = load\n"
        "validator.main()"
    )
    monkeypatch.setattr(module, "_PROGRAM", program)


@pytest.fixture
def usual_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the priority of the tests: the lowest gets almost no CPU time on a busy machine."""
    monkeypatch.setattr("os.setpriority", lambda *_: None)
    monkeypatch.delattr("os.SCHED_IDLE", raising=False)


@pytest.mark.parametrize("path", [RELEASED / "1", LATEST])
def test_valid_bundle(path: Path) -> None:
    assert BundleValidator(path).result() == load_bundle(path).fingerprint


def test_error_is_reported(bundle_copy: Path) -> None:
    (bundle_copy / "vocabulary.json").write_text("{}")
    with pytest.raises(BundleError, match=rf"^{bundle_copy}: vocabulary\.json: altered"):
        BundleValidator(bundle_copy).result()


@pytest.mark.usefixtures("usual_priority")
@pytest.mark.parametrize("kind", DEVOURING)
def test_resources_are_limited(bundle_copy: Path, kind: str) -> None:
    edit, message = DEVOURING[kind]
    edit_network(bundle_copy, edit)
    with pytest.raises(BundleError, match=f"^{bundle_copy}: .*{message}"):
        BundleValidator(bundle_copy).result()


def test_hostile_network_is_invalid(bundle_copy: Path) -> None:
    edit, message = NETWORKS["other predictions in a batch"]
    edit_network(bundle_copy, edit)
    with pytest.raises(BundleError, match=message):
        BundleValidator(bundle_copy).result()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("bytearray(2 * validator.MEMORY_BYTES)", r"expected to take at most \d+ bytes of memory"),
        ("os.abort()", "the validator process ended with SIGABRT"),
        ("1 / 0", "it cannot be loaded: ZeroDivisionError"),
        ("os._exit(0)", "the validator process ended with status 0"),
    ],
    ids=["memory", "crash", "bug", "silent exit"],
)
def test_failure_is_a_bundle_error(
    code: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_by(code, monkeypatch)
    with pytest.raises(BundleError, match=f"^x: {message}"):
        BundleValidator(Path("x")).result()


def test_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.2)
    load_by("time.sleep(60)", monkeypatch)
    began = time.monotonic()
    with pytest.raises(BundleError, match=r"^x: expected to load within 0\.2 s$"):
        BundleValidator(Path("x")).result()
    assert time.monotonic() - began < 10


def test_kill(monkeypatch: pytest.MonkeyPatch) -> None:
    load_by("time.sleep(60)", monkeypatch)
    validator = BundleValidator(Path("x"))
    threading.Timer(0.2, validator.kill).start()
    with pytest.raises(BundleError, match="ended with SIGKILL"):
        validator.result()
    validator.kill()  # a second call changes nothing


def test_process_gets_no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nenv | grep -c NEWSWIRE_\n")
    program.chmod(0o755)
    monkeypatch.setenv("NEWSWIRE_API_KEYS", "secret")
    monkeypatch.setattr("sys.executable", str(program))
    with pytest.raises(BundleError, match="ended with status 1"):  # grep found none
        BundleValidator(Path("x")).result()


def test_no_descriptor_or_process_is_left(bundle_copy: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208
    BundleValidator(bundle_copy).result()
    assert set(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_service_may_have_more_than_1024_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 1_200:
        pytest.skip("needs 1,200 open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1_200), hard))
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(1_100)]
    try:
        assert BundleValidator(LATEST).result() == load_bundle(LATEST).fingerprint
    finally:
        for descriptor in opened:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_process_that_cannot_start_is_a_bundle_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("subprocess._fork_exec", fail)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with pytest.raises(BundleError, match="validator: Resource temporarily unavailable"):
        BundleValidator(LATEST)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="no SCHED_IDLE on this system")
def test_process_has_the_lowest_priority() -> None:
    validator = BundleValidator(LATEST)
    try:
        assert os.sched_getscheduler(validator.pid) == os.SCHED_IDLE
        assert os.getpriority(os.PRIO_PROCESS, validator.pid) == 19
    finally:
        validator.kill()
        with pytest.raises(BundleError):
            validator.result()
