"""Memory of the driver, Ray and the workers stays flat, however many rows there are.

`make test-batch` does this with a million rows.
"""

import os
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.deploy.batch_runs import start_batch, write_parquet_files

N_ROWS = int(os.environ.get("BATCH_ROWS", "50000"))
N_FILES = 20
MAX_GROWTH = 0.1
"""By which share the second half's peak may be higher than the first's, in which all warms up."""

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc"),
]


def test_memory_is_flat(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    archive = write_parquet_files(tmp_path / "archive", n_files=N_FILES, n_rows=N_ROWS // N_FILES)
    out = tmp_path / "out"
    samples: list[tuple[int, int]] = []  # finished parts, bytes
    with start_batch(
        archive, out, *os.environ.get("BATCH_ARGS", "").split(), coverage=False
    ) as job:
        while job.poll() is None:
            samples.append((len(list(out.glob("part-*"))), memory_of_all(job.pid)))
            time.sleep(0.2)
        printed = job.communicate()[0]
    assert job.returncode == 0
    assert sum(pq.read_metadata(part).num_rows for part in out.glob("part-*")) == N_ROWS
    first = max(size for parts, size in samples if parts < N_FILES // 2)
    second = max(size for parts, size in samples if parts >= N_FILES // 2)
    with capfd.disabled():
        print(  # noqa: T201 - what `make test-batch` is for
            f"\n{printed.splitlines()[-1]}; peak memory {first / 2**20:.0f} MB in the first half, "
            f"{second / 2**20:.0f} MB in the second"
        )
    assert second <= first * (1 + MAX_GROWTH)


def memory_of_all(root: int) -> int:
    """Bytes that a process and all its descendants take, shared ones counted once."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # pid (name, which may have blanks and brackets) state parent ...
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        parents[int(folder.name)] = int(stat[1])
    family = {root}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(map(proportional_set_size, family))


def proportional_set_size(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
