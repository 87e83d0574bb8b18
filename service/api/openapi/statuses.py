"""The statuses that each route can return, so that their counters exist from the start.

A counter that first appears with the value 1 has a rate of 0.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from service.api.middleware.instrumentation import UNMATCHED
from service.api.openapi.operations import CLASSIFY_STATUSES, UNAUTHORIZED
from service.api.problems import PROBLEMS, UNAVAILABLE

OF_ANY_ROUTE: Final = {200, 405, PROBLEMS[Exception].status}


def statuses_by_route(
    routes: Iterable[BaseRoute], *, pages: Collection[str], has_keys: bool
) -> Mapping[str, set[int]]:
    """Return the statuses by route label; ``pages`` are the paths of routes that may return 304."""
    of_keys = {UNAUTHORIZED} if has_keys else set()
    statuses = {UNMATCHED: {404} | of_keys}
    for route in routes:
        if isinstance(route, APIRoute):
            path = route.path
            statuses[path] = statuses.get(path, set()) | OF_ANY_ROUTE | of_keys
            if "POST" in (route.methods or ()):
                statuses[path] |= CLASSIFY_STATUSES
            if path.endswith(("/live", "/ready")):
                statuses[path].add(UNAVAILABLE)
            if "{" in path:
                statuses[path].add(404)
            if path in pages:
                statuses[path].add(304)
    return statuses
