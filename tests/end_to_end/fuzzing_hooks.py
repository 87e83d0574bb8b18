"""What Schemathesis cannot read from the document; it imports this in its own environment."""

from typing import Any

import schemathesis


@schemathesis.hook  # type: ignore[untyped-decorator]
def filter_case(context: Any, case: Any) -> bool:
    """Leave out options in the query beside JSON, which are ignored: they belong to plain text."""
    return case.media_type == "text/plain" or not case.query
