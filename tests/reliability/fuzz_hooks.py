"""Hooks for what the OpenAPI document cannot say; Schemathesis imports them in its environment."""

from typing import Any

import hypothesis
import schemathesis


def _no_target(observation: float, *, label: str = "") -> float:
    """Take no notice of Schemathesis' wish for requests that are accepted.

    Hypothesis climbs after it through thousands of requests that are made up and not sent: with
    2,500 for an operation that took longer than all that were.
    """
    return observation


hypothesis.target = _no_target

PLAIN_TEXT = "text/plain"


@schemathesis.hook  # type: ignore[untyped-decorator]
def filter_case(context: Any, case: Any) -> bool:
    """Leave out what is not wrong, though it is made up to be.

    A number instead of a string is a text again, if it is sent as plain text; and options in the
    query of ``/classify`` belong to plain text: beside JSON they are rejected. A blank plain text
    without a title is left out too: no schema can say that one needs the other.
    """
    if case.media_type == PLAIN_TEXT:
        if not isinstance(case.body, str):
            return False
        title = (case.query or {}).get("title")
        return bool(case.body.strip() or (isinstance(title, str) and title.strip()))
    return case.path != "/classify" or not case.query
