from tests.reliability.kills import kill, loaded


def test_it_is_serving_again_after_a_kill() -> None:
    """In how many seconds is for `make try-kills`: machines that run tests are busy."""
    with loaded() as (service, load):
        assert kill(service, load) < 20
        before = load.answered
        load.wait_for_more()
    assert service.starts == 2
    assert load.answered > before > 0
