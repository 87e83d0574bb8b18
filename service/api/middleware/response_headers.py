"""Headers of every response, after the REST Security Cheat Sheet of OWASP.

Browsers do not guess its type, and caches do not keep it. Pages of other origins cannot read it,
unless `service.api.middleware.cors` allows them. Strict-Transport-Security is set where TLS ends.
"""

from collections.abc import Iterable
from typing import Final

Headers = list[tuple[bytes, bytes]]

POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
DEFAULT_HEADERS: Final[Headers] = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", POLICY.encode()),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
]
"""The pages have a policy and a caching rule of their own."""
_DEFAULTS: Final = dict(DEFAULT_HEADERS)


def add_defaults(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return headers, and those defaults that they do not have."""
    own = list(headers)
    missing = _DEFAULTS.keys() - dict(own).keys()
    if len(missing) == len(_DEFAULTS):
        return own + DEFAULT_HEADERS
    return own + [header for header in DEFAULT_HEADERS if header[0] in missing]
