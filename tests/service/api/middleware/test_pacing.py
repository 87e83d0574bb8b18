import asyncio
import json
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from service.api.middleware.pacing import MAX_WAITING, PacingMiddleware


async def nothing(*_: Any) -> Any: ...


def ask(paths: list[str]) -> list[list[str]]:
    """Which paths were passed on in each turn of the loop, if all are asked for at once."""
    passed: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(scope["path"])

    async def all_at_once() -> list[list[str]]:
        turns = PacingMiddleware(app)
        scopes = [{"type": "http", "path": path} for path in paths]
        tasks = [asyncio.create_task(turns(scope, nothing, nothing)) for scope in scopes]
        by_turn = []
        for _ in range(2 * len(paths)):
            await asyncio.sleep(0)
            by_turn.append(passed.copy())
            passed.clear()
        await asyncio.gather(*tasks)
        return [each for each in by_turn if each]

    return asyncio.run(all_at_once())


def test_one_request_starts_per_turn_first_in_first_out() -> None:
    assert ask(["/a", "/b", "/c"]) == [["/a"], ["/b"], ["/c"]]


def test_cancelled_request_is_skipped() -> None:
    passed: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(scope["path"])

    async def leave() -> None:
        turns = PacingMiddleware(app)
        tasks = [
            asyncio.create_task(turns({"type": "http", "path": path}, nothing, nothing))
            for path in ("/a", "/b", "/c")
        ]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(leave())
    assert passed == ["/a", "/c"]


def test_each_event_loop_has_its_own_turns() -> None:
    passed: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(scope["path"])

    turns = PacingMiddleware(app)

    async def ask_and_end() -> None:
        await turns({"type": "http", "path": "/a"}, nothing, nothing)

    for _ in range(3):
        asyncio.run(ask_and_end())  # ends before the turn does
    assert passed == ["/a"] * 3


@pytest.mark.parametrize(("path", "key"), [("/topics", "detail"), ("/v2/models/reuters", "error")])
def test_too_many_requests_get_429(path: str, key: str) -> None:
    answers: list[Any] = []

    async def send(message: Any) -> None:
        answers.append(message)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        answers.append("passed on")

    async def ask() -> None:
        turns = PacingMiddleware(app)
        scope = {"type": "http", "path": path, "headers": [], "query_string": b""}
        asked = [turns(dict(scope), nothing, send) for _ in range(MAX_WAITING + 2)]
        await asyncio.gather(*asked)

    asyncio.run(ask())
    assert answers.count("passed on") == MAX_WAITING + 1  # the first did not wait
    begin, end = (item for item in answers if item != "passed on")
    assert begin["status"] == 429
    assert (b"retry-after", b"1") in begin["headers"]
    assert "Retry after" in json.loads(end["body"])[key]
