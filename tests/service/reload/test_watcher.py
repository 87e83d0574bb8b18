import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from service.app import create_app
from service.model import TopicClassifier
from service.reload import watcher as module
from service.reload.validator import TIMEOUT_SECONDS
from service.reload.watcher import ModelWatcher
from service.settings import ServiceSettings
from tests.conftest import LATEST, RELEASED
from tests.end_to_end.running_service import RunningService
from tests.hostile_bundles import DEVOURING, edit_network, renumber

pytestmark = pytest.mark.slow

TEXT = {"text": "OPEC ministers agreed to cut crude oil output."}


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with bundle 1."""
    shutil.copytree(RELEASED / "1", tmp_path / "models" / "1")
    return tmp_path / "models"


@pytest.fixture
def polling(models: Path) -> Iterator[RunningService]:
    with watched(models, NEWSWIRE_MODEL_POLL_SECONDS="0.1") as service:
        yield service


def watched(models: Path, **settings: str) -> RunningService:
    """Return the service of a folder, with its log beside it."""
    given = settings | {"NEWSWIRE_MODEL_DIR": str(models)}
    return RunningService(None, log_file(models), **given)


def log_file(models: Path) -> Path:
    return models.parent / "log.jsonl"


def release(models: Path, number: int, source: Path = LATEST, *, whole: bool = True) -> Path:
    """Copy a bundle beside its place and rename it into place."""
    beside = models / ".beside" / str(number)
    shutil.copytree(source, beside)
    renumber(beside)
    if not whole:
        (beside / "topics.json").write_text("[]")
    return beside.rename(models / str(number))


def version(service: RunningService) -> str:
    return str(service.client.post("/classify", json=TEXT).json()["model"]["version"])


def reloads(service: RunningService, outcome: str) -> float:
    shown = service.client.get("/metrics").text.splitlines()
    name = f'newswire_reloads_total{{outcome="{outcome}"}} '
    return next(float(line.removeprefix(name)) for line in shown if line.startswith(name))


def gauge(service: RunningService, name: str) -> float:
    shown = service.client.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in shown if line.startswith(f"{name} "))


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.02)


def is_logged(models: Path, message: str) -> bool:
    return message in log_file(models).read_text()


def log_of(service: RunningService, models: Path) -> list[dict[str, Any]]:
    """Stop the service and return its log."""
    assert service.stop() == 0
    return [json.loads(line) for line in log_file(models).read_text().splitlines()]


def test_new_bundle_is_served_and_its_removal_is_a_rollback(
    polling: RunningService, models: Path
) -> None:
    assert version(polling) == "1"
    release(models, 2)
    wait_until(lambda: version(polling) == "2")
    wait_until(lambda: reloads(polling, "loaded") == 1)
    (models / "2").rename(models / "2.withdrawn")
    wait_until(lambda: version(polling) == "1")
    messages = [line["message"] for line in log_of(polling, models)]
    assert (
        f"model reloaded: serving reuters 2 of {models / '2'} instead of {models / '1'}" in messages
    )
    assert (
        f"model reloaded: serving reuters 1 of {models / '1'} instead of {models / '2'}" in messages
    )


def test_invalid_bundle_fails_once_until_its_files_change(
    polling: RunningService, models: Path
) -> None:
    bad = release(models, 2, whole=False)
    wait_until(lambda: reloads(polling, "failed") == 1)
    time.sleep(1)  # 10 times the interval
    assert reloads(polling, "failed") == 1
    assert version(polling) == "1"
    shutil.copy(LATEST / "topics.json", bad)
    wait_until(lambda: version(polling) == "2")
    (line,) = [line for line in log_of(polling, models) if line["level"] == "ERROR"]
    assert line["message"].startswith(
        f"model reload failed, keeping {models / '1'}: {bad}: topics.json"
    )


def test_incomplete_bundle_is_skipped_until_complete(polling: RunningService, models: Path) -> None:
    ready = release(models, 2).rename(models / "ready")
    arriving = models / "2"
    arriving.mkdir()
    for name in sorted(os.listdir(ready), key=lambda name: name.startswith("manifest")):  # noqa: PTH208
        copy = shutil.copytree if (ready / name).is_dir() else shutil.copy
        copy(ready / name, arriving / name)
        time.sleep(0.2)
    wait_until(lambda: version(polling) == "2")
    assert reloads(polling, "failed") == 0
    assert any("incomplete bundle skipped" in line["message"] for line in log_of(polling, models))


def test_missing_bundle_fails_once(polling: RunningService, models: Path) -> None:
    (models / "1").rename(models / "gone")
    wait_until(lambda: reloads(polling, "failed") == 1)
    time.sleep(0.5)
    assert reloads(polling, "failed") == 1
    assert version(polling) == "1"
    (models / "gone").rename(models / "1")
    release(models, 2)
    wait_until(lambda: version(polling) == "2")


def test_invalid_higher_number_does_not_block_a_lower_one(
    polling: RunningService, models: Path
) -> None:
    """An empty 53 and an invalid 54 are skipped for a later 8, and after its removal."""
    (models / "53").mkdir()
    release(models, 54, whole=False)
    wait_until(lambda: reloads(polling, "failed") == 1)
    wait_until(lambda: gauge(polling, "newswire_skipped_bundles") == 2)
    release(models, 8)
    wait_until(lambda: version(polling) == "8")
    assert gauge(polling, "newswire_skipped_bundles") == 2
    (models / "8").rename(models / "8.withdrawn")
    wait_until(lambda: version(polling) == "1")
    (models / "54").rename(models / "54.withdrawn")
    (models / "53").rmdir()
    wait_until(lambda: gauge(polling, "newswire_skipped_bundles") == 0)
    assert reloads(polling, "failed") == 1


def test_no_bundle_below_the_served_one_is_loaded(polling: RunningService, models: Path) -> None:
    """Even if its files are damaged and an older bundle is there."""
    release(models, 2)
    wait_until(lambda: version(polling) == "2")
    (models / "2" / "manifest.sha256").write_text("0" * 64)
    wait_until(lambda: reloads(polling, "failed") == 1)
    time.sleep(0.5)
    assert version(polling) == "2"
    assert reloads(polling, "loaded") == 1


def test_check_on_request_without_a_new_bundle_is_logged(models: Path) -> None:
    """Files that were moved into a bundle's folder are logged, too."""
    with watched(models) as service:
        (models / ".2").mkdir()
        (models / ".2").rename(models / "1" / ".2")
        (models / "1" / "evaluation" / "notes.txt").touch()
        service.process.send_signal(signal.SIGHUP)
        wait_until(lambda: is_logged(models, "not in its manifest"))
        lines = log_of(service, models)
    (info,) = [line for line in lines if line["message"].startswith("no new bundle")]
    assert info["message"] == f"no new bundle in {models}, still serving {models / '1'}"
    (warning,) = [line for line in lines if line["level"] == "WARNING"]
    assert warning["message"] == (
        f"bundle {models / '1'} contains 2 entries that are not in its manifest: "
        f"'.2', 'evaluation/notes.txt'; move a new bundle beside it: mv -T NEW {models / 'NUMBER'}"
    )


def test_reloads_on_request_log_no_warning(models: Path) -> None:
    """The two bundles have other files, which are not compared with each other's manifest."""
    with watched(models) as service:
        released = release(models, 2)
        service.process.send_signal(signal.SIGHUP)
        wait_until(lambda: version(service) == "2")
        released.rename(models / "2.withdrawn")
        service.process.send_signal(signal.SIGHUP)
        wait_until(lambda: version(service) == "1")
        lines = log_of(service, models)
    assert [line["message"] for line in lines if line["level"] == "WARNING"] == []


def test_changed_link_is_followed(tmp_path: Path) -> None:
    link = tmp_path / "current"
    link.symlink_to(RELEASED / "1")
    with watched(link, NEWSWIRE_MODEL_POLL_SECONDS="0.1") as service:
        (tmp_path / "next").symlink_to(LATEST)
        (tmp_path / "next").rename(link)
        wait_until(lambda: version(service) == LATEST.name)
        assert reloads(service, "failed") == 0


def test_signal_requests_a_check_without_polling(models: Path) -> None:
    with watched(models) as service:
        service.process.send_signal(signal.SIGHUP)  # after the check at the start
        wait_until(lambda: is_logged(models, "no new bundle"))
        bad = release(models, 2, whole=False)
        time.sleep(0.5)
        assert reloads(service, "failed") == 0
        for times in (1, 2):  # each request checks again
            service.process.send_signal(signal.SIGHUP)
            wait_until(lambda times=times: reloads(service, "failed") == times)  # type: ignore[misc]
        shutil.copy(LATEST / "topics.json", bad)
        service.process.send_signal(signal.SIGHUP)
        wait_until(lambda: version(service) == "2")
        assert len([line for line in log_of(service, models) if line["level"] == "ERROR"]) == 2


def test_stop_kills_the_validator(models: Path) -> None:
    with watched(models, NEWSWIRE_MODEL_POLL_SECONDS="0.1") as service:
        endless, _ = DEVOURING["a loop without end"]
        edit_network(release(models, 2, RELEASED / "1").rename(models / "x"), endless)
        (models / "x").rename(models / "2")
        wait_until(lambda: bool(children(service.process.pid)))
        (child,) = children(service.process.pid)
        time.sleep(0.5)
        began = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(timeout=20) == 0
        assert time.monotonic() - began < 4
        wait_until(lambda: not Path(f"/proc/{child}").exists())
        assert not [line for line in log_of(service, models) if line["level"] == "ERROR"]


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")  # of the watcher thread
    return [int(child) for task in tasks for child in task.read_text().split()]


def test_unreadable_folder_fails_once(
    classifier: TopicClassifier, registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []

    def find(folder: Path) -> list[Path]:
        looks.append(folder)
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(module, "find_bundles", find)
    app = create_app(ServiceSettings(), classifier, registry)
    watcher = ModelWatcher(app, RELEASED, LATEST, poll_seconds=0.01)
    watcher.start(lambda *_: pytest.fail("nothing to adopt"))
    wait_until(lambda: len(looks) > 3)
    watcher.stop()
    assert registry.get_sample_value("newswire_reloads_total", {"outcome": "failed"}) == 1


def test_failed_watcher_is_logged_counted_and_restarted(
    classifier: TopicClassifier,
    registry: CollectorRegistry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    monkeypatch.setattr(module, "RESTART_SECONDS", 0.01)
    app = create_app(ServiceSettings(), classifier, registry)
    watcher = ModelWatcher(app, RELEASED, LATEST, poll_seconds=0)
    assert value("newswire_model_watcher_running") == 0
    assert value("newswire_reloads_total", outcome="error") == 0
    wait = watcher._wake.wait
    waits = []

    def fail_twice(timeout: float | None = None) -> bool:
        waits.append(timeout)
        if len(waits) < 3:
            raise OverflowError("timeout value is too large")
        return wait(timeout)

    monkeypatch.setattr(watcher._wake, "wait", fail_twice)
    watcher.start(lambda *_: pytest.fail("nothing to adopt"))
    wait_until(lambda: len(waits) > 3)
    assert value("newswire_model_watcher_running") == 1
    assert value("newswire_reloads_total", outcome="error") == 2
    assert caplog.text.count("model watcher failed") == 2
    watcher.stop()
    wait_until(lambda: value("newswire_model_watcher_running") == 0)


def test_bundle_that_arrived_during_startup_is_found(
    classifier: TopicClassifier, registry: CollectorRegistry, models: Path
) -> None:
    app = create_app(ServiceSettings(), classifier, registry)
    adopted: list[Callable[[], None]] = []
    watcher = ModelWatcher(app, models, models / "1", poll_seconds=0)
    release(models, 2)
    watcher.start(adopted.append)
    wait_until(lambda: bool(adopted))
    watcher.stop()
    adopted[0]()
    assert app.model.served.classifier.manifest.version == "2"


def test_bundle_is_loaded_in_a_thread_with_a_short_switch_interval(
    classifier: TopicClassifier,
    registry: CollectorRegistry,
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[str, bool]] = []

    def note() -> None:
        short = sys.getswitchinterval() < usual
        seen.append((threading.current_thread().name, short))

    def load(path: Path, *, fingerprint: str) -> TopicClassifier:
        note()
        return classifier

    usual = sys.getswitchinterval()
    monkeypatch.setattr("service.reload.watcher.load_classifier", load)
    monkeypatch.setattr(module, "freeze_gc", note)
    release(models, 2)
    adopted: list[Callable[[], None]] = []
    app = create_app(ServiceSettings(), classifier, registry)
    watcher = ModelWatcher(app, models, models / "1", poll_seconds=0)
    watcher.start(adopted.append)
    wait_until(lambda: bool(adopted))
    watcher.stop()
    assert seen == [("reload", True)] * 2
    assert sys.getswitchinterval() == usual
