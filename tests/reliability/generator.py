"""An open load by h2load, and the outcome of each request."""

import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.targets import CLASSIFY

H2LOAD: Final = shutil.which("h2load")
WARM_UP_SECONDS: Final = 1.0
"""Connections are opened and the first answers are slow; what began in it does not count."""


@dataclass(frozen=True, slots=True)
class Requests:
    """Outcomes of the requests of a load.

    Attributes
    ----------
    began : float64 array of shape (n_requests,)
        In seconds, since the first.
    statuses : int64 array of shape (n_requests,)
        -1 for those without an answer.
    milliseconds : float64 array of shape (n_requests,)
        From sending a request to the end of its answer.
    """

    began: NDArray[np.float64]
    statuses: NDArray[np.int64]
    milliseconds: NDArray[np.float64]

    def after(self, seconds: float) -> "Requests":
        """Those that began after so many seconds."""
        chosen = self.began >= seconds
        return Requests(self.began[chosen], self.statuses[chosen], self.milliseconds[chosen])

    def quantile(self, quantile: float) -> float:
        """Milliseconds of the requests that were answered with 200; infinite if there is none."""
        answered = self.milliseconds[self.statuses == 200]
        return float(np.quantile(answered, quantile)) if len(answered) else float("inf")

    def counts(self) -> dict[int, int]:
        """Return the number of requests by status."""
        return dict(sorted(Counter(self.statuses.tolist()).items()))

    def rate(self, status: int | None = None) -> float:
        """Return requests per second, of one status or in all."""
        n_requests = len(self.statuses) if status is None else int((self.statuses == status).sum())
        return n_requests / float(np.ptp(self.began)) if n_requests else 0.0


def check_h2load() -> None:
    """End with a clear message where there is nothing to make the load."""
    if H2LOAD is None:
        sys.exit(
            "error: expected h2load, which makes the load, on the PATH: "
            "apt-get install nghttp2-client"
        )


def send(
    url: str, *, seconds: float, connections: int, rate: float | None = None, body: bytes = CLASSIFY
) -> Requests:
    """Send requests for a while.

    Parameters
    ----------
    url : str
    seconds : float
    connections : int
    rate : float or None
        Requests a second over all connections, whether answered or not: an open load. Without it,
        each connection sends its next request when it has the answer to the one before.
    body : bytes
        JSON.
    """
    assert H2LOAD is not None
    with tempfile.TemporaryDirectory() as folder:
        data, log = Path(folder) / "body.json", Path(folder) / "log"
        data.write_bytes(body)
        paced = [] if rate is None else ["--rps", f"{rate / connections:.6g}"]
        subprocess.run(
            [
                *(H2LOAD, "--h1", "-t", "1", "-c", str(connections), "-D", f"{seconds:g}"),
                *("-d", str(data), "-H", "Content-Type: application/json"),
                *("--log-file", str(log), *paced, url),
            ],
            capture_output=True,
            check=True,
        )
        rows = np.loadtxt(log, dtype=np.int64, ndmin=2)
    began = (rows[:, 0] - rows[:, 0].min()) / 1e6
    return Requests(began, rows[:, 1], rows[:, 2] / 1e3)
