import logging
import threading

import pytest

from service.observability.health import MAX_INFERENCE_ERRORS, ServiceHealth


def test_it_begins_alive_and_ready() -> None:
    health = ServiceHealth()
    assert (health.live, health.ready) == (True, True)


def test_who_stops_is_alive() -> None:
    health = ServiceHealth()
    health.mark_draining()
    assert (health.live, health.ready) == (True, False)


def test_three_errors_in_a_row_are_the_end(caplog: pytest.LogCaptureFixture) -> None:
    health = ServiceHealth()
    for _ in range(MAX_INFERENCE_ERRORS - 1):
        health.inference_failed()
        assert health.live
    assert not caplog.records
    health.inference_failed()
    assert (health.live, health.ready) == (False, False)
    health.inference_failed()  # says nothing new
    health.inference_succeeded()  # a restart is wanted all the same
    assert (health.live, health.ready) == (False, False)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "3 inferences failed in a row" in record.getMessage()


def test_errors_with_successes_between_are_not() -> None:
    health = ServiceHealth()
    for _ in range(10):
        for _ in range(MAX_INFERENCE_ERRORS - 1):
            health.inference_failed()
        health.inference_succeeded()
    assert health.live


def test_no_error_of_several_threads_is_lost() -> None:
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
