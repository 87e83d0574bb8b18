import logging
import threading

import pytest

from service.observability.health import MAX_INFERENCE_ERRORS, ServiceHealth


def test_starts_live_and_ready() -> None:
    health = ServiceHealth()
    assert (health.live, health.ready) == (True, True)


def test_live_while_draining() -> None:
    health = ServiceHealth()
    health.mark_draining()
    assert (health.live, health.ready) == (True, False)


def test_three_consecutive_errors_end_liveness(caplog: pytest.LogCaptureFixture) -> None:
    health = ServiceHealth()
    for _ in range(MAX_INFERENCE_ERRORS - 1):
        health.inference_failed()
        assert health.live
    assert not caplog.records
    health.inference_failed()
    assert (health.live, health.ready) == (False, False)
    health.inference_failed()  # says nothing new
    health.consecutive_errors = 0  # a restart is wanted all the same
    assert (health.live, health.ready) == (False, False)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "after 3 consecutive inference errors" in record.getMessage()


def test_success_resets_the_count_of_errors() -> None:
    health = ServiceHealth()
    for _ in range(10):
        for _ in range(MAX_INFERENCE_ERRORS - 1):
            health.inference_failed()
        health.consecutive_errors = 0
    assert health.live


def test_errors_of_several_threads_are_counted() -> None:
    """Each thread has too few for the end, together they have just enough."""
    for _ in range(50):
        health = ServiceHealth()
        threads = [
            threading.Thread(target=health.inference_failed) for _ in range(MAX_INFERENCE_ERRORS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not health.live
