import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from service.model import BundleError, load_bundle
from service.reload import validator as trial_module
from service.reload.validator import Trial
from tests.conftest import LATEST, RELEASED
from tests.hostile_bundles import DEVOURING, NETWORKS, edit_network

pytestmark = pytest.mark.slow

Begin = Callable[[Path], Trial]


@pytest.fixture(params=[Trial.fork, Trial.spawn], ids=["fork", "spawn"])
def begin(request: pytest.FixtureRequest) -> Begin:
    chosen: Begin = request.param
    return chosen


@pytest.mark.parametrize("path", [RELEASED / "1", LATEST])
def test_a_good_bundle_passes(begin: Begin, path: Path) -> None:
    assert begin(path).verdict() == load_bundle(path).fingerprint


def test_a_refusal_is_told(begin: Begin, bundle_copy: Path) -> None:
    (bundle_copy / "vocabulary.json").write_text("{}")
    with pytest.raises(BundleError, match=rf"^{bundle_copy}: vocabulary\.json: altered"):
        begin(bundle_copy).verdict()


@pytest.mark.parametrize("kind", DEVOURING)
def test_what_devours_is_stopped(begin: Begin, bundle_copy: Path, kind: str) -> None:
    edit, message = DEVOURING[kind]
    edit_network(bundle_copy, edit)
    with pytest.raises(BundleError, match=f"^{bundle_copy}: .*{message}"):
        begin(bundle_copy).verdict()


def test_a_hostile_network_is_refused_as_elsewhere(begin: Begin, bundle_copy: Path) -> None:
    edit, message = NETWORKS["another answer in company"]
    edit_network(bundle_copy, edit)
    with pytest.raises(BundleError, match=message):
        begin(bundle_copy).verdict()


def load_as(load: Callable[[Path], object], patch: pytest.MonkeyPatch) -> None:
    patch.setattr(trial_module, "load_classifier", load)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    load_as(lambda _: bytearray(2 * trial_module.MEMORY_BYTES), monkeypatch)
    with pytest.raises(BundleError, match=r"^x: expected to take at most \d+ bytes of memory"):
        Trial.fork(Path("x")).verdict()


def test_a_crash_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    load_as(lambda _: os.abort(), monkeypatch)
    with pytest.raises(BundleError, match=r"^x: the process that .* ended by SIGABRT"):
        Trial.fork(Path("x")).verdict()


def test_a_bug_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Path) -> NoReturn:
        raise ZeroDivisionError

    load_as(fail, monkeypatch)
    with pytest.raises(BundleError, match=r"^x: it cannot be loaded: ZeroDivisionError"):
        Trial.fork(Path("x")).verdict()


def test_a_silent_end_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    load_as(lambda _: os._exit(0), monkeypatch)
    with pytest.raises(BundleError, match=r"^x: the process that .* ended with status 0"):
        Trial.fork(Path("x")).verdict()


def test_sleeping_is_no_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_module, "START_SECONDS", 0.2)
    load_as(lambda _: time.sleep(60), monkeypatch)
    began = time.monotonic()
    with pytest.raises(BundleError, match=r"^x: expected to be loaded and proven within"):
        Trial.fork(Path("x")).verdict()
    assert time.monotonic() - began < 10


def test_a_trial_can_be_abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    load_as(lambda _: time.sleep(60), monkeypatch)
    trial = Trial.fork(Path("x"))
    threading.Timer(0.2, trial.abandon).start()
    with pytest.raises(BundleError, match="ended by SIGKILL"):
        trial.verdict()
    trial.abandon()  # once more changes nothing


def test_a_trial_knows_no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nenv | grep -c NEWSWIRE_\n")
    program.chmod(0o755)
    monkeypatch.setenv("NEWSWIRE_API_KEYS", "secret")
    monkeypatch.setattr("sys.executable", str(program))
    with pytest.raises(BundleError, match="ended with status 1"):  # grep found none
        Trial.spawn(Path("x")).verdict()


def test_nothing_is_left_open(bundle_copy: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208
    Trial.spawn(bundle_copy).verdict()
    Trial.fork(bundle_copy).verdict()
    assert set(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_that_there_can_be_no_other_process_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "posix_spawn", refuse)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with pytest.raises(BundleError, match="cannot be tried: Resource temporarily unavailable"):
        Trial.spawn(LATEST)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="this system has no such class")
def test_a_trial_beside_a_service_takes_what_nobody_wants() -> None:
    trial = Trial.spawn(LATEST)
    try:
        assert os.sched_getscheduler(trial.pid) == os.SCHED_IDLE
        assert os.getpriority(os.PRIO_PROCESS, trial.pid) == 19
    finally:
        trial.abandon()
        with pytest.raises(BundleError):
            trial.verdict()
