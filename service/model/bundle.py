"""The model bundle: a folder that holds a network, its vocabulary, its topics and its proof.

What is written here by the training job is what the service reads here. A bundle is written whole
or not at all, and read only if every file still has the hash that its manifest states, and the
manifest the one that stands beside it: a single byte that changed is found.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from service.model.bundle_files import (
    EVALUATION_FOLDER,
    MANIFEST_FILE,
    MANIFEST_HASH_FILE,
    manifest_hash_line,
    read_manifest,
    read_verified,
)
from service.model.drift import DriftBaseline, add_later_reasons, check_drift_baseline
from service.model.encoders import ENCODERS
from service.model.errors import BundleError
from service.model.manifest import (
    FORMAT_VERSION,
    Golden,
    Manifest,
    Record,
    Topic,
    check_goldens,
    check_manifest,
    check_topic_thresholds,
    check_topics,
    from_json_object,
    to_json_object,
)
from service.model.strict_json import parse_json

MODEL_FILE: Final = "model.onnx"
VOCABULARY_FILE: Final = "vocabulary.json"
TOPICS_FILE: Final = "topics.json"
GOLDENS_FILE: Final = "goldens.json"
DRIFT_BASELINE_FILE: Final = "drift_baseline.json"
"""The first bundles do not have it."""
REQUIRED_FILES: Final = (MODEL_FILE, VOCABULARY_FILE, TOPICS_FILE, GOLDENS_FILE)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A trained model, ready to be served.

    Attributes
    ----------
    manifest : Manifest
        ``manifest.files`` is filled in by `save_bundle`.
    network : bytes
        The ONNX model.
    vocabulary : mapping of str to int
        Word to token id: the saved word index.
    topics : sequence of Topic
        In the order of the network's output, which has one more where ``manifest.no_topic``.
    goldens : sequence of Golden
        The proof that `TopicClassifier` replays before it answers.
    drift_baseline : DriftBaseline or None
        What traffic is compared with; None if it was not measured.
    fingerprint : str
        SHA-256 of the manifest, so of all that the bundle is; empty before it is written.
    """

    manifest: Manifest
    network: bytes
    vocabulary: Mapping[str, int]
    topics: Sequence[Topic]
    goldens: Sequence[Golden]
    drift_baseline: DriftBaseline | None = None
    fingerprint: str = ""

    @property
    def n_outputs(self) -> int:
        """How many probabilities the network gives for a text."""
        return len(self.topics) + self.manifest.no_topic


def save_bundle(bundle: Bundle, folder: Path, evaluation: Mapping[str, bytes]) -> Manifest:
    """Write a bundle beside its place and rename it into place, so that it is there whole or not.

    Parameters
    ----------
    bundle : Bundle
        What to write.
    folder : Path
        Where; it must not exist yet, or be empty.
    evaluation : mapping of str to bytes
        Files of the report, by name; they go to the folder ``evaluation``.

    Returns
    -------
    Manifest
        As written, with the current format version and the hash of each file.

    Raises
    ------
    BundleError
        If ``folder`` already holds something, or cannot be written.
    """
    folder = folder.resolve()
    contents = {
        MODEL_FILE: bundle.network,
        VOCABULARY_FILE: _to_json(dict(bundle.vocabulary)),
        TOPICS_FILE: _to_json([to_json_object(topic) for topic in bundle.topics]),
        GOLDENS_FILE: _to_json([to_json_object(golden) for golden in bundle.goldens]),
        **_drift_baseline_file(bundle.drift_baseline),
        **{f"{EVALUATION_FOLDER}/{name}": content for name, content in evaluation.items()},
    }
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    manifest = replace(bundle.manifest, format_version=FORMAT_VERSION, files=hashes)
    contents[MANIFEST_FILE] = _to_json(to_json_object(manifest))
    contents[MANIFEST_HASH_FILE] = manifest_hash_line(contents[MANIFEST_FILE])

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


def check_can_be_written(folder: Path) -> None:
    """Find out, before hours of work, whether a bundle can be written to ``folder``.

    Raises
    ------
    BundleError
        If it holds something, or nothing can be written beside it.
    """
    _make_partial(folder.resolve()).rmdir()


def _make_partial(folder: Path) -> Path:
    """Make the folder beside ``folder`` in which a bundle is written before it is renamed."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BundleError(f"{folder}: already holds something, expected a new or an empty folder")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-", suffix=".partial")
    except OSError as error:
        raise BundleError(f"{folder}: cannot be written: {error}") from error
    return Path(partial)


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle, and believe nothing in it that its manifest's hashes do not confirm.

    Raises
    ------
    BundleError
        If a file is missing, altered or not of its form; the message says which and what.
    """
    try:
        content = read_manifest(folder)
        parsed = parse_json(content, MANIFEST_FILE)
        manifest = from_json_object(Manifest, parsed, MANIFEST_FILE)
        check_manifest(manifest, tokenisers=ENCODERS)
        _check_complete(manifest)
        contents = read_verified(folder, manifest.files)
        topics = _records(Topic, contents, TOPICS_FILE)
        check_topics(topics)
        check_topic_thresholds(manifest, topics)
        goldens = _records(Golden, contents, GOLDENS_FILE)
        check_goldens(goldens, len(topics) + manifest.no_topic)
        vocabulary = _vocabulary(contents)
        drift_baseline = _drift_baseline(contents, topics, manifest)
    except BundleError as error:
        raise BundleError(f"{folder}: {error}") from error
    return Bundle(
        manifest,
        contents[MODEL_FILE],
        vocabulary,
        topics,
        goldens,
        drift_baseline,
        hashlib.sha256(content).hexdigest(),
    )


def _check_complete(manifest: Manifest) -> None:
    if missing := [name for name in REQUIRED_FILES if name not in manifest.files]:
        raise BundleError(f"{MANIFEST_FILE}: files: no hash for {', '.join(missing)}")


def _records(kind: type[Record], contents: Mapping[str, bytes], name: str) -> list[Record]:
    entries = parse_json(contents[name], name)
    if not isinstance(entries, list):
        raise BundleError(f"{name}: expected a list, got {type(entries).__name__}")
    return [
        from_json_object(kind, entry, f"{name}, entry {number}")
        for number, entry in enumerate(entries)
    ]


def _vocabulary(contents: Mapping[str, bytes]) -> dict[str, int]:
    vocabulary = parse_json(contents[VOCABULARY_FILE], VOCABULARY_FILE)
    if not isinstance(vocabulary, dict) or not all(
        type(token_id) is int for token_id in vocabulary.values()
    ):
        raise BundleError(f"{VOCABULARY_FILE}: expected an object of word to whole number")
    return vocabulary


def _drift_baseline_file(baseline: DriftBaseline | None) -> dict[str, bytes]:
    return {DRIFT_BASELINE_FILE: _to_json(to_json_object(baseline))} if baseline else {}


def _drift_baseline(
    contents: Mapping[str, bytes], topics: Sequence[Topic], manifest: Manifest
) -> DriftBaseline | None:
    if DRIFT_BASELINE_FILE not in contents:
        return None
    parsed = parse_json(contents[DRIFT_BASELINE_FILE], DRIFT_BASELINE_FILE)
    baseline = from_json_object(DriftBaseline, parsed, DRIFT_BASELINE_FILE)
    if manifest.format_version == 1:
        baseline = add_later_reasons(baseline)
    codes = [topic.code for topic in topics]
    check_drift_baseline(baseline, codes, no_topic=manifest.no_topic)
    return baseline


def _to_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False).encode() + b"\n"
