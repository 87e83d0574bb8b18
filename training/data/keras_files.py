"""The ``keras`` source: the word ids that Keras distributes, without any text."""

import hashlib
import io
import json
from pathlib import Path
from typing import Final

import numpy as np

from service.model.token_counts import FIRST_WORD_ID, START_ID
from training.data.dataset import DataError, Split
from training.data.reuters_expected import TOPIC_CODES

IDS_FILE: Final = "reuters.npz"
WORD_INDEX_FILE: Final = "reuters_word_index.json"
ORIGIN: Final = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"

DOWNLOAD_HASHES: Final = {  # as stated by Keras: SHA-256 and MD5
    IDS_FILE: "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916",
    WORD_INDEX_FILE: "4d44cc38712099c9e383dc6e5f11a921",
}
REBUILT_HASHES: Final = {
    IDS_FILE: "2663d9da9d67dd1d5a0681a8d40b61c667ee2143697ee05e02cb2d154d9b3cfc",
    WORD_INDEX_FILE: "c07307f4dcb0b9e8072f696daf556b88a4c65d63c488b0150f958c3edbf615fd",
}
"""SHA-256 of files rebuilt from the corpus: equally frequent words are in another order."""
MAX_FILE_BYTES: Final = 16 * 2**20  # the ids have 2.1 MB; a longer file has another hash


def read_keras_files(folder: Path) -> tuple[dict[str, int], Split]:
    """Return the word index and all newswires; raise `DataError` if a file is not as expected."""
    # Keras stores lists of ids as pickled objects. A pickle can run any code, so only files with
    # a known hash are unpickled.
    contents = {name: _read_verified(folder / name) for name in DOWNLOAD_HASHES}
    with np.load(io.BytesIO(contents[IDS_FILE]), allow_pickle=True) as arrays:
        ranks, labels = arrays["x"], arrays["y"]
    word_ranks: dict[str, int] = json.loads(contents[WORD_INDEX_FILE])
    offset = FIRST_WORD_ID - 1  # ranks count from 1
    vocabulary = {word: rank + offset for word, rank in word_ranks.items()}
    token_ids = [[START_ID, *(rank + offset for rank in newswire)] for newswire in ranks]
    return vocabulary, Split(token_ids, labels.astype(np.int64), list(TOPIC_CODES))


def download_keras_files(folder: Path | None = None) -> Path:
    """Download both files through Keras, into a folder or Keras' cache, and return their folder."""
    from keras.utils import get_file

    place = {}
    if folder is not None:  # created first: where Keras cannot write, it silently uses another
        folder.mkdir(parents=True, exist_ok=True)
        place = {"cache_dir": folder.resolve(), "cache_subdir": ""}
    try:
        paths = [
            get_file(name, origin=ORIGIN + name, file_hash=file_hash, **place)
            for name, file_hash in DOWNLOAD_HASHES.items()
        ]
    except Exception as error:  # Keras raises a bare Exception for a URL that it cannot open
        raise DataError(
            f"keras: cannot download from {ORIGIN}: {' '.join(str(error).split())}; "
            f"put {IDS_FILE} and {WORD_INDEX_FILE} into a folder and name it with --data-dir"
        ) from error
    return Path(paths[0]).parent


def _read_verified(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read: {error.strerror}; put Keras' {path.name} there, or leave "
            "out --data-dir to download it"
        ) from error
    known = (DOWNLOAD_HASHES[path.name], REBUILT_HASHES[path.name])
    actual = (hashlib.sha256(content).hexdigest(), hashlib.md5(content).hexdigest())  # noqa: S324
    if not set(known) & set(actual):
        raise DataError(
            f"{path}: truncated or altered: expected Keras' {path.name} or the rebuilt one, got "
            f"{len(content)} bytes with SHA-256 {actual[0]}; leave out --data-dir to download "
            f"{IDS_FILE} and {WORD_INDEX_FILE}"
        )
    return content
