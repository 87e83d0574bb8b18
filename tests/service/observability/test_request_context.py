import re

import pytest

from service.observability.request_context import (
    RequestContext,
    begin_request_context,
    current_request_context,
)

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_valid_ids_of_the_client_are_kept() -> None:
    headers = [(b"x-request-id", b"order-17/a"), (b"traceparent", TRACEPARENT.encode())]
    assert begin_request_context(headers) == RequestContext("order-17/a", TRACEPARENT)
    assert current_request_context.get() == RequestContext("order-17/a", TRACEPARENT)


def test_request_without_an_id_gets_a_unique_one() -> None:
    names = {begin_request_context([]).request_id for _ in range(100)}
    assert len(names) == 100
    assert all(re.fullmatch(r"[0-9a-f]{16}-\d+", name) for name in names)


@pytest.mark.parametrize("value", [b"", b"a" * 129, b"a b", b"a\nb", b'{"a":1}', "ä".encode()])
def test_invalid_ids_are_replaced(value: bytes) -> None:
    context = begin_request_context([(b"x-request-id", value), (b"traceparent", value)])
    assert context.request_id.encode() != value
    assert context.traceparent is None


@pytest.mark.parametrize(
    "traceparent",
    [
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        TRACEPARENT.upper(),
        f"{TRACEPARENT}-more",
    ],
)
def test_a_traceparent_that_the_specification_rejects_is_none(traceparent: str) -> None:
    assert begin_request_context([(b"traceparent", traceparent.encode())]).traceparent is None
