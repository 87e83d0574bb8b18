import time

from tests.reliability.crash import kill, loaded


def test_killed_worker_is_restarted() -> None:
    """`make reliability CASE=crash` bounds the time."""
    with loaded() as (service, load):
        assert kill(service, load) < 20
        before = load.answered
        deadline = time.monotonic() + 20
        while load.answered == before:
            assert time.monotonic() < deadline, "the clients get no response"
            time.sleep(0.05)
    assert service.starts == 2
