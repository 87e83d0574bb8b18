"""The problems of RFC 9457 that the service returns."""

from service.api.problems import PROBLEMS, TYPE_PREFIX
from tests.docs.markdown import block, code, table


def names() -> list[str]:
    """Return the types of the problems."""
    return [TYPE_PREFIX + kind.slug for kind in PROBLEMS.values()]


def table_of_problems() -> str:
    """Return every kind of problem: status, type, title and when it occurs."""
    return block(
        table(
            ("status", "type", "title", "when"),
            (
                (str(kind.status), code(TYPE_PREFIX + kind.slug), kind.title, kind.when)
                for kind in PROBLEMS.values()
            ),
        )
    )
