import shutil
from pathlib import Path

import pytest

from service.model import (
    BundleError,
    default_model_dir,
    find_bundle,
    load_bundle,
    load_classifier,
    repository,
)
from service.model.bundle_files import MANIFEST_FILE, MANIFEST_HASH_FILE
from service.model.repository import find_bundles, missing_files, next_bundle, unexpected_entries
from tests.conftest import LATEST, RELEASED


def test_highest_number_is_found(tmp_path: Path) -> None:
    for name in ("1", "2", "10", "candidate", ".11-x.partial"):
        (tmp_path / name).mkdir()
    assert find_bundle(tmp_path).name == "10"


def test_incomplete_bundles_are_passed_over(tmp_path: Path) -> None:
    shutil.copytree(RELEASED / "1", tmp_path / "1")
    shutil.copytree(RELEASED / "1", tmp_path / "9")
    (tmp_path / "9" / MANIFEST_HASH_FILE).unlink()
    for name in ("53", "054", "0", "\u0665\u0665"):  # empty, and other ways to write a number
        (tmp_path / name).mkdir()
    (tmp_path / "55").touch()
    assert find_bundle(tmp_path) == tmp_path / "1"
    assert [path.name for path in find_bundles(tmp_path)] == ["53", "9", "1"]
    assert missing_files(tmp_path / "53") == [MANIFEST_FILE, MANIFEST_HASH_FILE]
    assert missing_files(tmp_path / "1") == missing_files(tmp_path / "gone") == []


def test_entries_not_in_the_manifest_are_unexpected(bundle_copy: Path) -> None:
    manifest = load_bundle(bundle_copy).manifest
    assert unexpected_entries(bundle_copy, manifest) == []
    assert unexpected_entries(bundle_copy / "gone", manifest) == []
    assert unexpected_entries(LATEST, load_bundle(LATEST).manifest) == []
    (bundle_copy / ".5").mkdir()
    (bundle_copy / ".5" / "model.onnx").touch()
    (bundle_copy / "evaluation" / "notes.txt").touch()
    assert unexpected_entries(bundle_copy, manifest) == [".5", "evaluation/notes.txt"]


def test_next_number(tmp_path: Path) -> None:
    assert next_bundle(tmp_path / "absent") == tmp_path / "absent" / "1"
    for name in ("2", "10", "notes"):
        (tmp_path / name).mkdir()
    assert next_bundle(tmp_path) == tmp_path / "11"


def test_bundle_is_found_by_its_own_path(bundle_copy: Path) -> None:
    assert find_bundle(bundle_copy) == bundle_copy
    assert find_bundle(bundle_copy.parent) == bundle_copy


def test_no_bundle_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="bundles in folders 1, 2, 3"):
        find_bundle(tmp_path)
    with pytest.raises(BundleError, match="not found"):
        find_bundle(tmp_path / "absent")
    (tmp_path / "model.onnx").touch()
    with pytest.raises(BundleError, match="got a file"):
        find_bundle(tmp_path / "model.onnx")


def test_unreadable_folder_is_an_error() -> None:
    with pytest.raises(BundleError):
        find_bundle(Path("a" * 300))


def test_the_default_folder_is_the_first_that_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, working = tmp_path / "site" / "service", tmp_path / "working"
    working.mkdir()
    monkeypatch.chdir(working)
    assert default_model_dir() == RELEASED  # of this checkout
    monkeypatch.setattr(repository, "files", lambda name: tmp_path / "site" / name)
    models = Path("models") / "reuters"
    assert default_model_dir() == models  # no folder exists: the error names this one
    for folder in (package.parent / models, package / models, models):
        folder.mkdir(parents=True)
        assert default_model_dir() == folder


def test_a_folder_that_cannot_be_read_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", fail)
    assert default_model_dir() == Path("models/reuters")


def test_the_classifier_of_the_default_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_classifier().manifest.version == LATEST.name
    shutil.copytree(RELEASED / "1", tmp_path / "models" / "reuters" / "1")
    assert load_classifier().manifest.version == "1"
