"""The tables of docs/explanation/capacity.md that are the same on each machine."""

from functools import cache
from typing import Final

from tests.deploy import capacity
from tests.deploy.capacity import Plan
from tests.docs.markdown import block, table

REPLICA: Final = ("", "CPU µs a text", "texts/s", "requests/s")
FLEET: Final = (
    *("texts/s", "needed", "run", "cores requested", "cores at work"),
    *("GiB requested", "GB in use"),
)
ZONE: Final = ("texts/s", "replicas left", "utilisation", "replicas that would not notice")


@cache
def plan() -> Plan:
    """Return the figures of the production manifests."""
    return Plan.load()


def table_of_replicas() -> str:
    """Return what one replica takes at the target utilisation."""
    return block(table(REPLICA, capacity.replica_rows(plan())))


def table_of_fleets() -> str:
    """Return the replicas that each load needs, and their resources."""
    return block(table(FLEET, capacity.fleet_rows(plan())))


def table_of_zones() -> str:
    """Return the effect of the loss of a zone, and the replicas that compensate it."""
    return block(table(ZONE, capacity.zone_rows(plan())))
