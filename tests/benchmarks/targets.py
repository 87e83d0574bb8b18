"""The servers of the benchmark: how each is started, and the requests that it gets."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from tests.benchmarks.corpus import BATCH_SIZE, batch_bodies, classify_bodies

SERVERS: Final = "tests.benchmarks.servers"

ARTICLE: Final = (
    "Oil ministers of the exporters' group agreed on Tuesday to cut crude output by a million "
    "barrels a day from next month, and crude prices rose more than two dollars a barrel in early "
    "trading in London. The ministers said that demand was lower than they had expected, and that "
    "stocks of refined products were high. Traders doubted that all members would keep to their "
    "quotas, as several of them had produced more than was agreed in the last quarter. The "
    "group's secretary general told reporters that the market would be in balance by the summer. "
    "Refiners in Europe said margins on gasoline and heating oil had fallen. Analysts expect the "
    "price of a barrel to stay between eighteen and twenty dollars for the rest of the year, if "
    "the agreement holds. The next meeting is in Geneva in June, it was decided."
)
"""An article of the project's own, of about 800 characters and 140 words."""
CLASSIFY: Final = json.dumps({"text": ARTICLE}).encode()


@dataclass(frozen=True, slots=True)
class Target:
    """A server that takes part.

    Attributes
    ----------
    name : str
        Begins its row.
    command : sequence of str
        What starts it; ``{port}`` is where it listens.
    environment : mapping of str to str
        Variables, with ``{port}`` too.
    python : Path
        Interpreter that takes the place of ``python`` in the command.
    path : str
    bodies : function that returns a sequence of bytes
        What is posted to ``path``, in turn.
    texts : int
        How many texts a request has.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    python: Path = Path(sys.executable)
    path: str = "/classify"
    bodies: Callable[[], Sequence[bytes]] = classify_bodies
    texts: int = 1


def repeated_body() -> Sequence[bytes]:
    """Return one body, whose text, weights and code stay in the caches."""
    return [CLASSIFY]


NO_OP: Final = Target("no-op", ["python", "-m", f"{SERVERS}.no_op", "{port}"])
FLOOR: Final = Target("floor", ["python", "-m", f"{SERVERS}.floor", "{port}"])
OURS: Final = Target("ours", ["python", "-m", "service"], {"NEWSWIRE_PORT": "{port}"})
REPEATED: Final = replace(OURS, name="ours, one repeated text", bodies=repeated_body)
TWO_WORKERS: Final = Target(
    "ours, 2 workers", ["python", "-m", f"{SERVERS}.workers", "{port}", "2"]
)
BATCHES: Final = replace(
    OURS,
    name=f"ours, batches of {BATCH_SIZE}",
    path="/classify/batch",
    bodies=batch_bodies,
    texts=BATCH_SIZE,
)
FAMILY: Final = (NO_OP, FLOOR, OURS, REPEATED, TWO_WORKERS, BATCHES)
