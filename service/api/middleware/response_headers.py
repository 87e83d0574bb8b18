"""Headers of every response, after the REST Security Cheat Sheet of OWASP.

Browsers do not guess its type, and caches do not keep it. Pages of other origins cannot read it,
unless `service.api.middleware.cors` allows them. Strict-Transport-Security is set where TLS ends.
"""

from typing import Final

POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
DEFAULT_HEADERS: Final = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", POLICY.encode()),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
]
"""The pages have a policy and a caching rule of their own."""
