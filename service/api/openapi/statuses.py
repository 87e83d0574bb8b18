"""The statuses that each route can return, so that their counters exist from the start.

A counter that first appears with the value 1 has a rate of 0.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from service.api.middleware.instrumentation import UNMATCHED
from service.api.problems import PROBLEMS, UNAVAILABLE, UnauthorizedError

NOT_FOUND: Final = 404
UNAUTHORIZED: Final = PROBLEMS[UnauthorizedError].status
OF_ANY_ROUTE: Final = frozenset({200, 405, PROBLEMS[Exception].status})
OF_BODIES: Final = frozenset(kind.status for kind in PROBLEMS.values()) - {UNAUTHORIZED}


def statuses_by_route(
    routes: Iterable[BaseRoute], *, pages: Collection[str], has_keys: bool
) -> Mapping[str, set[int]]:
    """Return the statuses by route label; ``pages`` are the paths of routes that may return 304."""
    of_keys = {UNAUTHORIZED} if has_keys else set()
    statuses = {UNMATCHED: {NOT_FOUND} | of_keys}
    for route in routes:
        if not isinstance(route, APIRoute):
            continue
        found = statuses.setdefault(route.path, set()) | OF_ANY_ROUTE | of_keys
        if "POST" in (route.methods or ()):
            found |= OF_BODIES
        if route.path.endswith(("/live", "/ready")):
            found.add(UNAVAILABLE)
        if "{" in route.path:
            found.add(NOT_FOUND)
        if route.path in pages:
            found.add(304)
        statuses[route.path] = found
    return statuses
