from pathlib import Path

import pytest

from tests.conftest import RELEASED
from tests.reliability.reload import (
    TEXT,
    Record,
    faults,
    quantiles,
    replace_again_and_again,
    service_with,
)
from tests.reliability.steady_load import Asked, SteadyLoad

TIMES = 6


def test_no_request_is_lost_and_every_version_is_right(tmp_path: Path) -> None:
    with service_with(tmp_path) as service, SteadyLoad(service.port, TEXT) as load:
        record = replace_again_and_again(service, tmp_path, times=TIMES, pause=0.3, seed=0)
    assert faults(load.asked, record) == []
    assert {item.version for item in load.asked} == {"1", "2", "4", "6"}
    assert len(record.windows) == TIMES
    assert sum(n for n, *_ in quantiles(load.asked, record).values()) == len(load.asked)


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        (Asked(1.0, 2.0, "", 0.0), "no answer"),
        (Asked(1.0, 2.0, "2", 0.5), "not served then"),
        (Asked(7.0, 8.0, "1", 0.5), "not served then"),
        (Asked(7.0, 8.0, "9", 0.5), "not served then"),
        (Asked(1.0, 2.0, "1", 0.5), "not the score of its version"),
    ],
)
def test_faults_are_found(asked: Asked, fault: str) -> None:
    record = Record(
        published={1: 0.0, 2: 5.0},
        confirmed=[(0.0, 1), (6.0, 2)],
        sources={1: RELEASED / "1", 2: RELEASED / "1"},
    )
    (found,) = faults([asked], record)
    assert fault in found
