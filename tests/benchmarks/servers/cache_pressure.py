"""Walks 64 MB again and again, so that the caches are shared; for an hour at most."""

import time

import numpy as np

N_BYTES = 64_000_000
MAX_SECONDS = 3_600


def main() -> None:
    """Walk until told to stop."""
    memory = np.zeros(N_BYTES, dtype=np.uint8)
    end = time.monotonic() + MAX_SECONDS
    while time.monotonic() < end:
        memory += 1


if __name__ == "__main__":
    main()
