"""Ray: a cluster to be found by ``RAY_ADDRESS``, or else one of this machine alone."""

import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

LOCAL_SETTINGS: Final = {
    "RAY_AUTH_MODE": "token",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # what listens, listens on loopback only
}
QUIET_SETTINGS: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
OBJECT_STORE_BYTES: Final = 256 * 2**20
"""Only the model and what is to be done pass through it; rows never do."""


def has_cluster() -> bool:
    """Say whether a cluster is named."""
    return bool(os.environ.get("RAY_ADDRESS"))


@contextmanager
def connect(n_workers: int | None) -> Iterator[int]:
    """Start Ray, or join the cluster that ``RAY_ADDRESS`` names, and leave it at the end.

    Parameters
    ----------
    n_workers : int or None
        None is one for each processor of the cluster.

    Yields
    ------
    int
        How many workers there shall be.
    """
    os.environ.update(QUIET_SETTINGS)
    if not has_cluster():
        os.environ.update(LOCAL_SETTINGS, RAY_AUTH_TOKEN=secrets.token_hex(32))
    import ray  # it reads the environment when it is imported

    if has_cluster():
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
    ray.init(**options, logging_level=logging.ERROR, log_to_driver=False)
    try:
        yield n_workers or int(ray.cluster_resources().get("CPU", 1))
    finally:
        ray.shutdown()
