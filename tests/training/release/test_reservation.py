"""Two trainings at once."""

from pathlib import Path

import pytest

from service.model import BundleError, load_bundle, save_bundle
from tests.conftest import LATEST
from training.data.dataset import DataError
from training.release.reservation import reserve_folder


def test_concurrent_runs_get_different_numbers(tmp_path: Path) -> None:
    candidates = tmp_path / "candidates"
    with reserve_folder(None, candidates) as first, reserve_folder(None, candidates) as second:
        assert (first, second) == (candidates / "1", candidates / "2")
        save_bundle(load_bundle(LATEST), second, {})
        save_bundle(load_bundle(LATEST), first, {})
    load_bundle(first)
    load_bundle(second)
    assert sorted(path.name for path in candidates.iterdir()) == ["1", "2"]


def test_second_run_into_locked_folder_fails(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with reserve_folder(out, tmp_path):
        with (
            pytest.raises(DataError, match="out: another training run is writing to it"),
            reserve_folder(out, tmp_path),
        ):
            pytest.fail("two trainings have one place")
        assert out.is_dir()
        save_bundle(load_bundle(LATEST), out, {})
    load_bundle(out)


def test_failed_run_leaves_no_folder(tmp_path: Path) -> None:
    for out in (None, tmp_path / "new"):
        with pytest.raises(KeyboardInterrupt), reserve_folder(out, tmp_path):
            raise KeyboardInterrupt
        assert list(tmp_path.iterdir()) == []
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "mine").touch()
    with (
        pytest.raises(BundleError, match="expected an absent or an empty folder"),
        reserve_folder(tmp_path / "1", tmp_path),
    ):
        pytest.fail("the folder holds something")
