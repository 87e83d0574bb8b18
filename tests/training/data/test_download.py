import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from training.data.dataset import DataError
from training.data.download import cache_folder, download_corpus
from training.data.reuters21578 import ARCHIVE

PORTAL = b"<html>Please log in.</html>"
LENGTHS = {"/abc": "abc", "/negative": "-1", "/endless": "9" * 4_000}


class Mirror(BaseHTTPRequestHandler):
    """Has the archive, is without it, breaks off half way, or sends something else."""

    content: bytes

    def do_GET(self) -> None:
        if self.path == "/absent":
            self.send_error(404)
            return
        self.send_response(200)
        content = PORTAL if self.path == "/portal" else self.content
        if self.path != "/unsized":
            length = LENGTHS.get(self.path, str(len(content)))
            self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if self.path == "/broken" else content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base class
        """Keep quiet."""


@pytest.fixture(scope="module")
def content(data_dir: Path) -> bytes:
    return (data_dir / ARCHIVE).read_bytes()


@pytest.fixture
def mirror(content: bytes) -> Iterator[str]:
    Mirror.content = content
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_first_working_mirror_is_used(mirror: str, tmp_path: Path, content: bytes) -> None:
    paths = ["absent", "broken", "unsized", "portal", *(path[1:] for path in LENGTHS), "whole"]
    archive = download_corpus(tmp_path / "cache", [f"{mirror}/{path}" for path in paths])
    assert archive.read_bytes() == content
    assert list(archive.parent.iterdir()) == [archive]


def test_existing_archive_is_not_downloaded(mirror: str, tmp_path: Path) -> None:
    archive = download_corpus(tmp_path, [f"{mirror}/whole"])
    assert download_corpus(tmp_path, []) == archive


def test_damaged_archive_is_replaced_in_cache_only(
    mirror: str, tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    archive = cache_folder() / ARCHIVE
    archive.parent.mkdir()
    archive.write_bytes(PORTAL)
    with pytest.raises(DataError, match="truncated or altered archive"):
        download_corpus(cache_folder(), [f"{mirror}/whole"])
    assert archive.read_bytes() == PORTAL
    assert download_corpus(mirrors=[f"{mirror}/whole"]) == archive
    assert archive.read_bytes() == content


def test_error_names_every_mirror(mirror: str, tmp_path: Path, content: bytes) -> None:
    paths = ["absent", "broken", "portal", *(path[1:] for path in LENGTHS)]
    with pytest.raises(DataError) as caught:
        download_corpus(tmp_path, [f"{mirror}/{path}" for path in paths])
    message = str(caught.value)
    assert "404" in message
    assert f"expected {len(content)} bytes" in message
    assert "/portal: the download is not the Reuters-21578 archive" in message
    assert "/abc: expected a Content-Length of up to 33,554,432 bytes, got 'abc'" in message
    assert "--data-dir" in message
    assert "\n" not in message
    assert len(message) < 2_000
    assert list(tmp_path.iterdir()) == []


def test_downloads_are_kept_in_the_users_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "newswire-topics"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "newswire-topics"
