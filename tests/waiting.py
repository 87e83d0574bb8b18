"""Wait for a condition, instead of for a time."""

import time
from collections.abc import Callable


def wait_until(
    condition: Callable[[], bool], expected: str, seconds: float = 120, interval: float = 0.02
) -> None:
    """Return as soon as a condition is true; fail if it is not within some seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {expected}"
        time.sleep(interval)
