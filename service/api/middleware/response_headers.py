"""Headers of every answer: a browser takes it as what it is, and nobody keeps it.

After the REST Security Cheat Sheet of OWASP. Pages of other origins read nothing here,
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
"""The pages, which load something and may be kept, have two of them of their own."""


def add_defaults(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Give the headers of an answer, and the defaults of those that it has not."""
    own = list(headers)
    names = {name for name, _ in own}
    return own + [header for header in DEFAULT_HEADERS if header[0] not in names]
