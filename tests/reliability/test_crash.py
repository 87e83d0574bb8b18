import time

from tests.reliability.crash import kill, loaded


def test_it_is_serving_again_after_a_kill() -> None:
    """In how many seconds is for `make reliability CASE=crash`: machines that run tests are busy."""
    with loaded() as (service, load):
        assert kill(service, load) < 20
        before = load.answered
        deadline = time.monotonic() + 20
        while load.answered == before:
            assert time.monotonic() < deadline, "the clients are not answered again"
            time.sleep(0.05)
    assert service.starts == 2
