"""``make reliability CASE=corruption``: flip bits of a bundle; loading must fail for each.

Small files are tested at every byte, the others at a sample of bytes, which a seed repeats.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from service.model import BundleError, load_bundle
from tests.conftest import RELEASED

SMALL_BYTES: Final = 4_000
BITS: Final = 8


def files_of(bundle: Path) -> list[Path]:
    """Every file that is there, whether the manifest names it or not."""
    return sorted(path for path in bundle.rglob("*") if path.is_file())


def undetected_flips(bundle: Path, *, sample: int, seed: int) -> Iterator[str]:
    """Flip bits, put each back, and name those with which the bundle was loaded all the same.

    Parameters
    ----------
    bundle : Path
        A copy, whose files are written to.
    sample : int
        How many places of a file that is not small.
    seed : int
    """
    load_bundle(bundle)
    chosen = random.Random(seed)  # noqa: S311
    for path in files_of(bundle):
        n_bytes = path.stat().st_size
        places = range(n_bytes) if n_bytes <= SMALL_BYTES else _places(chosen, n_bytes, sample)
        with path.open("r+b", buffering=0) as file:
            for place in places:
                bit = chosen.randrange(BITS)
                if _loads_with_flip(bundle, file.fileno(), place, bit):
                    yield f"{path.relative_to(bundle)}, byte {place}, bit {bit}"
    load_bundle(bundle)  # or a flip was not put back


def count_flips(bundle: Path, *, sample: int) -> int:
    """Return the number of flips that `undetected_flips` tests."""
    sizes = [path.stat().st_size for path in files_of(bundle)]
    return sum(size if size <= SMALL_BYTES else 2 + sample for size in sizes)


def _places(chosen: random.Random, n_bytes: int, sample: int) -> list[int]:
    """The first byte, the last, and some between."""
    return [0, *chosen.sample(range(n_bytes), sample), n_bytes - 1]


def _loads_with_flip(bundle: Path, descriptor: int, place: int, bit: int) -> bool:
    (before,) = os.pread(descriptor, 1, place)
    os.pwrite(descriptor, bytes([before ^ 1 << bit]), place)
    try:
        load_bundle(bundle)
    except BundleError:
        return False
    finally:
        os.pwrite(descriptor, bytes([before]), place)
    return True


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sample", type=int, default=1_000, help="places of a large file")
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    arguments = options.parse_args()
    print(f"seed {arguments.seed}")  # noqa: T201
    failures = 0
    for released in sorted(RELEASED.iterdir()):
        with tempfile.TemporaryDirectory() as folder:
            bundle = Path(shutil.copytree(released, Path(folder) / released.name))
            found = list(undetected_flips(bundle, sample=arguments.sample, seed=arguments.seed))
            n_flips = count_flips(bundle, sample=arguments.sample)
        shown = "\n".join(
            [f"bundle {released.name}: {n_flips:,} flips, {len(found)} passed", *found]
        )
        print(shown)  # noqa: T201
        failures += len(found)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
