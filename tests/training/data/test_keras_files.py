import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from training.data import Dataset, Source, load_dataset
from training.data.dataset import DataError
from training.data.keras_files import download_keras_files, read_keras_files


@pytest.fixture
def keras_copy(data_dir: Path, tmp_path: Path) -> Path:
    for name in ("reuters.npz", "reuters_word_index.json"):
        shutil.copyfile(data_dir / name, tmp_path / name)
    return tmp_path


def test_reads_the_same_as_the_loader_of_keras(
    keras_dataset: Dataset, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oracle is Keras: its loader, given our file where it would download its own."""
    from keras.src.datasets import reuters

    monkeypatch.setattr(reuters, "get_file", lambda *_, **__: str(data_dir / "reuters.npz"))
    splits = keras.datasets.reuters.load_data(num_words=100_000)
    for (ids, labels), split in zip(splits, (keras_dataset.train, keras_dataset.test), strict=True):
        assert [list(newswire) for newswire in ids] == split.token_ids
        np.testing.assert_array_equal(labels, split.labels)


@pytest.mark.parametrize("name", ["reuters.npz", "reuters_word_index.json"])
def test_missing_file_is_named(keras_copy: Path, name: str) -> None:
    (keras_copy / name).unlink()
    with pytest.raises(DataError, match=f"{name}: cannot be read: No such file"):
        load_dataset(Source.KERAS, keras_copy)


@pytest.mark.parametrize("name", ["reuters.npz", "reuters_word_index.json"])
@pytest.mark.parametrize("damage", [lambda b: b[:-100], lambda b: b[:50] + b"x" + b[51:]])
def test_damaged_file_is_named(keras_copy: Path, name: str, damage: Any) -> None:
    path = keras_copy / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=f"{name}: truncated or altered") as caught:
        read_keras_files(keras_copy)
    assert "leave out --data-dir to download reuters.npz and reuters_word_index.json" in str(
        caught.value
    )


def test_downloads_go_through_keras(
    keras_dataset: Dataset, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def get_file(name: str, origin: str, file_hash: str, **place: Any) -> str:
        asked.append((name, origin, len(file_hash)))
        target = Path(place.get("cache_dir", tmp_path)) / name
        shutil.copyfile(data_dir / name, target)
        return str(target)

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    dataset = load_dataset(Source.KERAS, None)
    assert dataset.fingerprint() == keras_dataset.fingerprint()
    assert [name for name, _, _ in asked] == ["reuters.npz", "reuters_word_index.json"]
    assert all(origin.endswith(f"/{name}") for name, origin, _ in asked)

    folder = tmp_path / "named"
    assert download_keras_files(folder) == folder


def test_failed_download_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def get_file(*_: Any, **__: Any) -> str:
        raise Exception("URL fetch failure")  # noqa: TRY002 - as Keras does

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    with pytest.raises(DataError, match=r"cannot download .* URL fetch failure.* --data-dir"):
        load_dataset(Source.KERAS, None)
