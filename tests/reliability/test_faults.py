import pytest

from tests.reliability.faults import FAULTS, Unavailable

REQUESTS = 100


@pytest.mark.parametrize("name", FAULTS)
def test_it_serves_on(name: str) -> None:
    try:
        outcome = FAULTS[name](REQUESTS)
    except Unavailable as reason:
        pytest.skip(str(reason))
    assert outcome.during == outcome.after == REQUESTS
