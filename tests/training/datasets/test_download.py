import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from training.datasets.download import cache_folder, download_corpus
from training.errors import DataError

CONTENT = b"an archive" * 1000


class Mirror(BaseHTTPRequestHandler):
    """Has the archive, is without it, or breaks off half way."""

    def do_GET(self) -> None:
        if self.path == "/absent":
            self.send_error(404)
            return
        self.send_response(200)
        if self.path != "/unsized":
            self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: len(CONTENT) // 2] if self.path == "/broken" else CONTENT)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base class
        """Keep quiet."""


@pytest.fixture
def mirror() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_first_mirror_that_has_it(mirror: str, tmp_path: Path) -> None:
    urls = [f"{mirror}/absent", f"{mirror}/broken", f"{mirror}/unsized", f"{mirror}/whole"]
    archive = download_corpus(tmp_path / "cache", urls)
    assert archive.read_bytes() == CONTENT
    assert list(archive.parent.iterdir()) == [archive]


def test_what_is_there_is_not_downloaded_again(mirror: str, tmp_path: Path) -> None:
    archive = download_corpus(tmp_path, [f"{mirror}/whole"])
    assert download_corpus(tmp_path, []) == archive


def test_no_mirror_has_it(mirror: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        download_corpus(tmp_path, [f"{mirror}/absent", f"{mirror}/broken"])
    message = str(caught.value)
    assert "404" in message
    assert f"expected {len(CONTENT)} bytes" in message
    assert "--data-dir" in message
    assert list(tmp_path.iterdir()) == []


def test_downloads_are_kept_in_the_users_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "newswire-topics"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "newswire-topics"
