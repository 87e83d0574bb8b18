"""Any file of a bundle, with a correct hash: it loads, or loading fails with `BundleError`.

The other files are those of a small bundle. The first line is the name of the file.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

from service.model import BundleError, load_classifier
from service.model.bundle import MODEL_FILE
from service.model.bundle_files import MANIFEST_FILE, MANIFEST_HASH_FILE, manifest_hash_line
from service.model.errors import MAX_MESSAGE_LENGTH
from tests.fuzzing.mutation import change_json
from tests.fuzzing.small_bundle import save_small_bundle


class Damaged:
    """A copy of the small bundle, of which one file at a time is another."""

    def __init__(self) -> None:
        self._parent = tempfile.TemporaryDirectory()
        self._folder = Path(self._parent.name) / "1"
        save_small_bundle(self._folder)
        self.files = {path.name: path.read_bytes() for path in self._folder.iterdir()}
        self._manifest: dict[str, Any] = json.loads(self.files[MANIFEST_FILE])

    def load(self, name: str, content: bytes) -> None:
        """Load the bundle with another file of that name."""
        if name == MANIFEST_FILE:
            changed = {MANIFEST_FILE: self._with_hashes(content)}
        else:
            hashes = self._manifest["files"] | {name: hashlib.sha256(content).hexdigest()}
            manifest = json.dumps(self._manifest | {"files": hashes}).encode()
            changed = {name: content, MANIFEST_FILE: manifest}
        changed[MANIFEST_HASH_FILE] = manifest_hash_line(changed[MANIFEST_FILE])
        try:
            for path, written in changed.items():
                (self._folder / path).write_bytes(written)
            load_classifier(self._folder)
        finally:
            for path in changed:
                (self._folder / path).write_bytes(self.files[path])

    def _with_hashes(self, content: bytes) -> bytes:
        """Put the hashes right that a changed manifest states of files that are there."""
        try:
            manifest = json.loads(content)
            stated = manifest["files"]
            right = {name: self._manifest["files"].get(name, stated[name]) for name in stated}
            return json.dumps(manifest | {"files": right}).encode(errors="surrogatepass")
        except (ValueError, RecursionError, LookupError, TypeError):
            return content

    def remove(self) -> None:
        """Leave nothing behind."""
        self._parent.cleanup()


DAMAGED: Final = Damaged()


def seeds() -> Iterator[bytes]:
    """Return every file unchanged; the network has a target of its own."""
    for name, content in DAMAGED.files.items():
        if name not in (MODEL_FILE, MANIFEST_HASH_FILE):
            yield name.encode() + b"\n" + content


def check(data: bytes) -> None:
    """Load the bundle with a file, its name in the first line."""
    name, _, content = data.partition(b"\n")
    named = name.decode(errors="replace")
    if named not in DAMAGED.files or named in (MODEL_FILE, MANIFEST_HASH_FILE):
        return
    try:
        DAMAGED.load(named, content)
    except BundleError as error:
        check_sentence(str(error))


def mutate(data: bytes, random: Random) -> bytes:
    """Change the JSON of the file."""
    name, end, content = data.partition(b"\n")
    return name + end + change_json(content, random)


def check_sentence(message: str) -> None:
    """Check that an error is one line, and not the file itself."""
    if "\n" in message or len(message) > MAX_MESSAGE_LENGTH:
        raise AssertionError(f"an error of {len(message)} characters: {message[:200]!r}")
