import os
import socket
from pathlib import Path

import pytest

from service.model import BundleError, load_bundle, save_bundle
from service.model import bundle_files as files_module
from service.model.bundle_files import MAX_FILE_BYTES, read_file
from tests.hostile_bundles import declare, rewrite


@pytest.fixture
def model(bundle_copy: Path) -> Path:
    """The network's file, which is gone."""
    path = bundle_copy / "model.onnx"
    path.unlink()
    return path


def assert_error(bundle: Path, message: str) -> None:
    with pytest.raises(BundleError, match=message) as raised:
        load_bundle(bundle)
    assert "\n" not in str(raised.value)


def test_pipe_does_not_block(model: Path) -> None:
    os.mkfifo(model)
    assert_error(model.parent, r"model\.onnx: expected a regular file")


def test_socket_is_an_error(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(model.parent)  # an address must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(model.name)
        assert_error(model.parent, r"model\.onnx: cannot be read")


def test_folder_is_an_error(model: Path) -> None:
    model.mkdir()
    assert_error(model.parent, r"model\.onnx: cannot be read: Is a directory")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/stdin"])
def test_link_to_a_device_is_an_error(model: Path, device: str) -> None:
    model.symlink_to(device)
    assert_error(model.parent, r"model\.onnx: expected a file inside the bundle")


def test_device_in_the_bundle_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="zero: expected a regular file"):
        read_file(Path("/dev"), "zero")


def test_cycle_of_links_is_an_error(model: Path) -> None:
    model.symlink_to("topics.json.link")
    (model.parent / "topics.json.link").symlink_to(model.name)
    assert_error(model.parent, r"model\.onnx: ")


def test_linked_folder_is_an_error(bundle_copy: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (bundle_copy / "report").symlink_to(tmp_path)
    declare(bundle_copy, "report/secret.txt")
    assert_error(bundle_copy, r"report/secret\.txt: expected a file inside the bundle")


@pytest.mark.parametrize("name", ["model.onnx", "manifest.json", "manifest.sha256"])
def test_oversized_file_is_not_read(bundle_copy: Path, name: str) -> None:
    os.truncate(bundle_copy / name, 10**12)  # sparse
    assert_error(bundle_copy, f"{name}: expected at most {MAX_FILE_BYTES} bytes, got {10**12}")


@pytest.mark.parametrize("limit", ["MAX_FILE_BYTES", "MAX_BUNDLE_BYTES"])
def test_bundle_that_could_not_be_read_is_not_written(
    bundle_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """As one of 1,000 topics and many words is: a training says so, not a service."""
    bundle = load_bundle(bundle_copy)
    monkeypatch.setattr(files_module, limit, len(bundle.network) - 1)
    with pytest.raises(BundleError, match=f"expected at most {len(bundle.network) - 1} bytes"):
        save_bundle(bundle, tmp_path / "new" / "1", {})
    assert not (tmp_path / "new").exists()


def test_oversized_bundle_is_an_error(bundle_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rewrite(bundle_copy, "evaluation/more.bin", bytes(1_000))
    load_bundle(bundle_copy)
    n_bytes = sum(
        (bundle_copy / name).stat().st_size for name in load_bundle(bundle_copy).manifest.files
    )
    monkeypatch.setattr(files_module, "MAX_BUNDLE_BYTES", n_bytes - 1)
    assert_error(bundle_copy, f"expected at most {n_bytes - 1} bytes in all files together")
