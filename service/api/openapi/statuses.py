"""The statuses that each route can return, so that their counters exist from the start.

A counter that first appears with the value 1 has a rate of 0.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from service.api.middleware.instrumentation import UNMATCHED
from service.api.problems import PROBLEMS, UNAVAILABLE, UnauthorizedError

OF_ANY_ROUTE: Final = frozenset({200, 405, PROBLEMS[Exception].status})
OF_PAGES: Final = frozenset({304})
OF_BODIES: Final = frozenset(kind.status for kind in PROBLEMS.values())
PROBES: Final = ("/live", "/ready")
"""Last parts of the paths of health checks."""
NOT_FOUND: Final = 404
UNAUTHORIZED: Final = PROBLEMS[UnauthorizedError].status


def statuses_by_route(
    routes: Iterable[BaseRoute], *, pages: Iterable[str], has_keys: bool
) -> Mapping[str, set[int]]:
    """Return the statuses by route label.

    Parameters
    ----------
    routes : iterable of Route
    pages : iterable of str
        Paths of the routes that may return 304.
    has_keys : bool
        Whether API keys are set, so that 401 may be returned.
    """
    statuses: dict[str, set[int]] = {UNMATCHED: {NOT_FOUND}}
    for route in routes:
        if not isinstance(route, APIRoute):
            continue
        found = statuses.setdefault(route.path, set())
        found |= OF_ANY_ROUTE
        if "POST" in (route.methods or ()):
            found |= OF_BODIES
        if route.path.endswith(PROBES):
            found.add(UNAVAILABLE)
        if "{" in route.path:
            found.add(NOT_FOUND)
        if route.path in pages:
            found |= OF_PAGES
    for found in statuses.values():
        found.discard(UNAUTHORIZED)
        if has_keys:
            found.add(UNAUTHORIZED)
    return statuses
