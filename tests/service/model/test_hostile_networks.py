import random
import shutil
from pathlib import Path

import pytest

from service.model import BundleError, load_classifier
from tests.conftest import LATEST
from tests.hostile_bundles import NETWORKS, edit_network, edit_vocabulary, rewrite


def assert_error(bundle: Path, message: str) -> None:
    with pytest.raises(BundleError, match=message) as raised:
        load_classifier(bundle)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("kind", NETWORKS)
def test_hostile_network_is_an_error(bundle_copy: Path, kind: str) -> None:
    edit, message = NETWORKS[kind]
    edit_network(bundle_copy, edit)
    assert_error(bundle_copy, message)


def test_truncated_network_is_an_error(bundle_copy: Path) -> None:
    whole = (bundle_copy / "model.onnx").read_bytes()
    for n_bytes in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        rewrite(bundle_copy, "model.onnx", whole[:n_bytes])
        assert_error(bundle_copy, r"model\.onnx: ")


def test_random_bytes_are_an_error(bundle_copy: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    chosen = random.Random(seed)  # noqa: S311
    for _ in range(20):
        rewrite(bundle_copy, "model.onnx", chosen.randbytes(chosen.randrange(1, 10_000)))
        assert_error(bundle_copy, "onnxruntime rejects it")


@pytest.mark.parametrize("folder", [LATEST.parent / "1", LATEST])
@pytest.mark.parametrize("token_id", [1_000_001, 2**31, 2**63, 10**30])
def test_enormous_token_ids_are_errors(tmp_path: Path, folder: Path, token_id: int) -> None:
    bundle = Path(shutil.copytree(folder, tmp_path / folder.name))
    edit_vocabulary(bundle, zyzzyva=token_id)
    assert_error(bundle, rf"vocabulary\.json: vocabulary: expected ids up to .* got {token_id}")


def test_token_id_beyond_the_network_is_an_error(bundle_copy: Path) -> None:
    edit_vocabulary(bundle_copy, zyzzyva=999_999)
    assert_error(bundle_copy, "expected a network for token ids up to 999999")
