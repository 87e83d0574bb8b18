"""The format of bundles."""

from typing import Final

import onnxruntime

from service.model import DriftBaseline, Golden, Manifest, Topic
from service.model.bundle import (
    DRIFT_BASELINE_FILE,
    ENCODERS,
    GOLDENS_FILE,
    MODEL_FILE,
    REQUIRED_FILES,
    TOPICS_FILE,
    VOCABULARY_FILE,
)
from service.model.bundle_files import (
    EVALUATION_FOLDER,
    MANIFEST_FILE,
    MANIFEST_HASH_FILE,
    MAX_BUNDLE_BYTES,
    MAX_FILE_BYTES,
)
from service.model.drift import BOUNDS
from service.model.manifest import JSON_KEYS, NEW_FIELDS, Subject
from service.model.record_checks import READABLE_FORMAT_VERSIONS
from service.model.token_counts import MAX_TOKEN_ID
from tests.conftest import LATEST
from tests.docs.markdown import block, code, codes, first_paragraph, table
from tests.docs.records import table_of

FILES: Final = {
    MANIFEST_FILE: "The manifest: what the bundle is, how it was trained, what it scored.",
    MANIFEST_HASH_FILE: f"SHA-256 of {code(MANIFEST_FILE)}, as `sha256sum -c` reads it.",
    MODEL_FILE: "The network in ONNX, with its weights.",
    VOCABULARY_FILE: "Object of word to token id: the saved word index.",
    TOPICS_FILE: "List of the topics, in the order of the network's output.",
    GOLDENS_FILE: "List of golden cases: texts with the tokens and probabilities of the training.",
    DRIFT_BASELINE_FILE: "Distributions of texts and predictions on held-out texts.",
    f"{EVALUATION_FOLDER}/": "Model card, figures and pictures; serving needs only their hashes.",
}
RECORDS: Final = {
    "manifest": Manifest,
    "topic": Topic,
    "subject": Subject,
    "golden": Golden,
    "drift_baseline": DriftBaseline,
}


def table_of_files() -> str:
    """Return the files of a bundle, whether each is required, and its size in the newest one."""
    always = {*REQUIRED_FILES, MANIFEST_FILE, MANIFEST_HASH_FILE}
    return block(
        table(
            ("file", "required", f"bytes in {code(f'models/reuters/{LATEST.name}')}", "content"),
            (
                (code(name), "yes" if name in always else "no", _size(name), text)
                for name, text in FILES.items()
            ),
        )
    )


def _size(name: str) -> str:
    path = LATEST / name
    files = path.rglob("*") if path.is_dir() else [path]
    return f"{sum(item.stat().st_size for item in files):,}"


def limits() -> str:
    """Return the limits of files, in a sentence."""
    return block(
        f"A file has at most {MAX_FILE_BYTES:,} bytes, all files together {MAX_BUNDLE_BYTES:,}. "
        f"The highest token id is {MAX_TOKEN_ID:,}."
    )


def fields_of(record: str) -> str:
    """Return the fields of a record, by their keys in the file."""
    return block(table_of(RECORDS[record], JSON_KEYS))


def table_of_versions() -> str:
    """Return the format versions that can be read, with the manifest's fields that each added."""
    rows = (
        (str(version), codes(sorted(NEW_FIELDS.get(version, ()))))
        for version in READABLE_FORMAT_VERSIONS
    )
    return block(table(("format version", "new fields of the manifest"), rows))


def table_of_tokenizers() -> str:
    """Return the encoders that a manifest can name."""
    rows = (
        (code(name), code(encoder.__name__), first_paragraph(encoder.__doc__))
        for name, encoder in ENCODERS.items()
    )
    return block(table(("`tokeniser`", "class", "description"), rows))


def table_of_tensors() -> str:
    """Return inputs and outputs of the newest released network."""
    session = onnxruntime.InferenceSession(LATEST / MODEL_FILE)
    rows = [
        (kind, code(item.name), code(item.type), code(f"({', '.join(map(str, item.shape))})"))
        for kind, items in (("input", session.get_inputs()), ("output", session.get_outputs()))
        for item in items
    ]
    return block(table(("tensor", "name", "type", "shape"), rows))


def table_of_bins() -> str:
    """Return the upper bounds of the bins of each distribution of the drift baseline."""
    rows = ((code(name), ", ".join(f"{bound:,}" for bound in b)) for name, b in BOUNDS.items())
    return block(table(("distribution", "upper bounds of the bins"), rows))
