"""Run the partitions of the input by Ray Data, at ``RAY_ADDRESS`` or on this machine.

Ray Data passes descriptions of partitions, not rows: a worker reads its partition and writes its
file. So memory does not depend on the data, and a partition is in the output whole or not at all.
"""

import logging
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from deploy.batch.locations import one_line
from deploy.batch.partitions import Partition
from deploy.batch.worker import Job, PartitionClassifier
from service.rows import CommandError

# listen on loopback only, for clients that have the token
LOCAL_SETTINGS: Final = {"RAY_AUTH_MODE": "token", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
QUIET_SETTINGS: Final = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
CONNECT_SECONDS: Final = 10
OBJECT_STORE_BYTES: Final = 256 * 2**20  # for the model and the list of partitions, not for rows
MAX_BLOCKS: Final = 5_000  # blocks of the list of partitions, which the driver keeps in memory


def run(job: Job, partitions: list[Partition], n_workers: int | None) -> Iterator[dict[str, Any]]:
    """Classify partitions; yield the outcome of each, by `PartitionClassifier`, when it ends."""
    if not partitions:
        return
    with _connect(n_workers) as size:
        import ray.data
        from ray.exceptions import RayError

        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        rows = [partition._asdict() for partition in partitions]
        outcomes = ray.data.from_items(rows, override_num_blocks=min(len(rows), MAX_BLOCKS)).map(
            PartitionClassifier,
            compute=ray.data.ActorPoolStrategy(size=min(size, len(rows))),
            fn_constructor_args=(job,),
        )
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        n_ended = 0
        try:
            for outcome in outcomes.iter_rows():
                n_ended += 1
                yield outcome
        except RayError as error:
            lines = str(error).strip().splitlines()
            raise CommandError(f"the workers failed: {lines[-1]}") from error
        if n_ended < len(partitions):
            raise CommandError(f"expected {len(partitions)} outcomes of Ray, got {n_ended}")


def check_reachable(address: str) -> None:
    """Raise CommandError if nothing listens at an address; Ray itself would wait for minutes."""
    if address in ("auto", "local"):
        return
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        if parts.hostname is None or parts.port is None:
            expected = "HOST:PORT or ray://HOST:PORT"
            raise CommandError(f"RAY_ADDRESS: expected {expected}, got {address!r}")
        socket.create_connection((parts.hostname, parts.port), CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        raise CommandError(
            f"RAY_ADDRESS: expected a Ray cluster at {address!r}, got: {error}; "
            "start it, correct the address, or unset RAY_ADDRESS to run on this machine"
        ) from error


@contextmanager
def _connect(n_workers: int | None) -> Iterator[int]:
    """Start Ray, or join the cluster at ``RAY_ADDRESS``; the value is the number of workers."""
    address = os.environ.get("RAY_ADDRESS")
    os.environ.update(QUIET_SETTINGS)
    if not address:
        os.environ.update(LOCAL_SETTINGS, RAY_AUTH_TOKEN=secrets.token_hex(32))
    import ray  # reads the environment when it is imported

    if address:
        check_reachable(address)
        import deploy
        import service

        options: dict[str, Any] = {"runtime_env": {"py_modules": [deploy, service]}}
    else:
        processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
        options = {
            "address": "local",
            "num_cpus": n_workers or processors,
            "include_dashboard": False,
            "object_store_memory": OBJECT_STORE_BYTES,
        }
    try:
        ray.init(**options, logging_level=logging.ERROR, log_to_driver=False)
    except Exception as error:  # Ray has no narrower one
        raise CommandError(f"Ray did not start: {one_line(error)}") from error
    try:
        yield n_workers or int(ray.cluster_resources().get("CPU", 1))
    finally:
        ray.shutdown()
