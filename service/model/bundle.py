"""The model bundle: a folder of network, vocabulary, topics and golden cases.

A bundle is written completely or not at all. It is read only if every file has the hash in the
manifest, and the manifest the hash in ``manifest.sha256``.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from service.model.abstention import Abstention
from service.model.bundle_files import (
    EVALUATION_FOLDER,
    MANIFEST_FILE,
    MANIFEST_HASH_FILE,
    check_sizes,
    manifest_hash_line,
    read_file,
    read_verified,
)
from service.model.drift import DriftBaseline, check_drift_baseline
from service.model.encoder import TextEncoder
from service.model.errors import BundleError
from service.model.field_encoder import FieldEncoder, NewsEncoder
from service.model.manifest import (
    FORMAT_VERSION,
    Golden,
    Manifest,
    Record,
    Topic,
    from_json_object,
    to_json_object,
)
from service.model.record_checks import check_goldens, check_manifest, check_topics
from service.model.strict_json import parse_json

MODEL_FILE: Final = "model.onnx"
VOCABULARY_FILE: Final = "vocabulary.json"
TOPICS_FILE: Final = "topics.json"
GOLDENS_FILE: Final = "goldens.json"
DRIFT_BASELINE_FILE: Final = "drift_baseline.json"  # optional: the first bundles do not have it
ENCODERS: Final[Mapping[str, type[TextEncoder]]] = {
    encoder.name: encoder for encoder in (TextEncoder, FieldEncoder, NewsEncoder)
}
"""Encoders by name; the manifest names that of the model."""
REQUIRED_FILES: Final = (MODEL_FILE, VOCABULARY_FILE, TOPICS_FILE, GOLDENS_FILE)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A trained model, ready to be served."""

    manifest: Manifest  # `save_bundle` fills in ``files``
    network: bytes  # the ONNX model
    vocabulary: Mapping[str, int]  # word to token id: the saved word index
    topics: Sequence[Topic]
    """Topics in the order of the network's output, which has one more if ``manifest.no_topic``."""
    goldens: Sequence[Golden]
    drift_baseline: DriftBaseline | None = None
    fingerprint: str = ""
    """SHA-256 of the manifest, and so of every file; empty before the bundle is written."""

    @property
    def n_outputs(self) -> int:
        """Number of probabilities per text."""
        return len(self.topics) + self.manifest.no_topic


def save_bundle(bundle: Bundle, folder: Path, evaluation: Mapping[str, bytes]) -> Manifest:
    """Write a bundle beside ``folder`` and rename it into place.

    ``evaluation`` has the files of the report, by name. Returns the manifest as written: with the
    current format version and the hash of each file. Raises BundleError if ``folder`` is neither
    absent nor empty, cannot be written, or the bundle would be too large to be read.
    """
    folder = folder.resolve()
    contents = {
        MODEL_FILE: bundle.network,
        VOCABULARY_FILE: _to_json(dict(bundle.vocabulary)),
        TOPICS_FILE: _to_json([to_json_object(topic) for topic in bundle.topics]),
        GOLDENS_FILE: _to_json([to_json_object(golden) for golden in bundle.goldens]),
        **{f"{EVALUATION_FOLDER}/{name}": content for name, content in evaluation.items()},
    }
    if bundle.drift_baseline:
        contents[DRIFT_BASELINE_FILE] = _to_json(to_json_object(bundle.drift_baseline))
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    manifest = replace(bundle.manifest, format_version=FORMAT_VERSION, files=hashes)
    contents[MANIFEST_FILE] = _to_json(to_json_object(manifest))
    contents[MANIFEST_HASH_FILE] = manifest_hash_line(contents[MANIFEST_FILE])
    check_sizes(contents)

    partial = _make_partial(folder)
    try:
        for name, content in contents.items():
            path = partial / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        partial.chmod(0o755)
        partial.replace(folder)
    except OSError as error:
        raise BundleError(f"{folder}: cannot be written: {error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)  # renamed away, unless something went wrong
    return manifest


def check_writable(folder: Path) -> None:
    """Raise BundleError if a bundle cannot be written to ``folder``."""
    _make_partial(folder.resolve()).rmdir()


def _make_partial(folder: Path) -> Path:
    """Create the temporary folder beside ``folder``."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BundleError(f"{folder}: expected an absent or an empty folder, it has files")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-", suffix=".partial")
    except OSError as error:
        raise BundleError(f"{folder}: cannot be written: {error}") from error
    return Path(partial)


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle, or raise BundleError if a file is missing, altered or invalid."""
    try:
        return _read_bundle(folder)
    except BundleError as error:
        raise BundleError(f"{folder}: {error}") from error


def _read_bundle(folder: Path) -> Bundle:
    content = read_file(folder, MANIFEST_FILE)
    if read_file(folder, MANIFEST_HASH_FILE) != manifest_hash_line(content):
        raise BundleError(
            f"{MANIFEST_FILE}: altered: its SHA-256 is not that of {MANIFEST_HASH_FILE}"
        )
    manifest = from_json_object(Manifest, parse_json(content, MANIFEST_FILE), MANIFEST_FILE)
    check_manifest(manifest, tokenizers=ENCODERS)
    if missing := [name for name in REQUIRED_FILES if name not in manifest.files]:
        raise BundleError(f"{MANIFEST_FILE}: files: no hash for {', '.join(missing)}")
    contents = read_verified(folder, manifest.files)
    topics = _records(Topic, contents, TOPICS_FILE)
    check_topics(topics, manifest)
    goldens = _records(Golden, contents, GOLDENS_FILE)
    check_goldens(goldens, manifest, len(topics))
    vocabulary = parse_json(contents[VOCABULARY_FILE], VOCABULARY_FILE)
    if not isinstance(vocabulary, dict) or any(type(i) is not int for i in vocabulary.values()):
        raise BundleError(f"{VOCABULARY_FILE}: expected an object of word to whole number")
    drift_baseline = None
    if DRIFT_BASELINE_FILE in contents:
        parsed = parse_json(contents[DRIFT_BASELINE_FILE], DRIFT_BASELINE_FILE)
        drift_baseline = from_json_object(DriftBaseline, parsed, DRIFT_BASELINE_FILE)
        if manifest.format_version == 1:
            drift_baseline.abstentions.setdefault(Abstention.NO_TOPIC.value, 0)
        codes = [topic.code for topic in topics]
        check_drift_baseline(drift_baseline, codes, no_topic=manifest.no_topic)
    fingerprint = hashlib.sha256(content).hexdigest()
    network = contents[MODEL_FILE]
    return Bundle(manifest, network, vocabulary, topics, goldens, drift_baseline, fingerprint)


def _records(kind: type[Record], contents: Mapping[str, bytes], name: str) -> list[Record]:
    entries = parse_json(contents[name], name)
    if not isinstance(entries, list):
        raise BundleError(f"{name}: expected a list, got {type(entries).__name__}")
    return [
        from_json_object(kind, entry, f"{name}, entry {number}")
        for number, entry in enumerate(entries)
    ]


def _to_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False).encode() + b"\n"
