import random
from pathlib import Path

import pytest

from service.model import BundleError, load_bundle
from tests.reliability.corruption import count_flips, files_of, undetected_flips

SAMPLE = 40


def test_every_flipped_bit_fails_loading(bundle_copy: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    found = list(undetected_flips(bundle_copy, sample=SAMPLE, seed=seed))
    assert found == [], f"seed {seed}"
    assert count_flips(bundle_copy, sample=SAMPLE) > 1_500


def test_every_file_is_covered(bundle_copy: Path) -> None:
    names = {str(path.relative_to(bundle_copy)) for path in files_of(bundle_copy)}
    assert names == {*load_bundle(bundle_copy).manifest.files, "manifest.json", "manifest.sha256"}


def test_undetected_flips_are_found(bundle_copy: Path) -> None:
    (bundle_copy / "notes.txt").write_bytes(b"not in the manifest")
    found = list(undetected_flips(bundle_copy, sample=1, seed=0))
    assert len(found) == len(b"not in the manifest")


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sha256"])
def test_added_or_missing_bytes_fail_loading(bundle_copy: Path, name: str) -> None:
    content = (bundle_copy / name).read_bytes()
    for altered in (content + b"\n", content[:-1], b""):
        (bundle_copy / name).write_bytes(altered)
        with pytest.raises(BundleError, match=name):
            load_bundle(bundle_copy)
