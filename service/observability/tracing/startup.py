"""Turns traces on where the environment says so."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from service.observability.tracing.settings import TracingError, is_enabled, set_endpoint

if TYPE_CHECKING:
    from service.observability.tracing.sdk import Tracing


def start_tracing(environ: Mapping[str, str]) -> "Tracing | None":
    """Return the traces that the environment turns on; None, and nothing imported, if it does not.

    Raises
    ------
    TracingError
        If they are on, and the packages are not installed or a variable cannot be used.
    """
    if not is_enabled(environ):
        return None
    try:
        from service.observability.tracing.sdk import Tracing

        return Tracing(environ)
    except ImportError as error:
        raise TracingError(
            f"{set_endpoint(environ)} is set, and the extra 'tracing' is not installed ({error}): "
            "pip install 'newswire-topics[tracing]', or unset the variable"
        ) from error
    except (RuntimeError, ValueError) as error:  # the SDK reads variables, some at its import
        raise TracingError(f"traces cannot be turned on: {error}") from error
