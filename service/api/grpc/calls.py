"""What all calls share: request ids, keys, metrics, log lines, and the status of an error.

Handlers are stream-unary, though a call has one message: so key and permits are checked before the
message is received.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from operator import methodcaller
from time import perf_counter
from typing import Any, Final

import grpc
from google.protobuf.message import Message
from grpc.aio import ServicerContext

from service.api.errors import UnauthorizedError
from service.api.grpc.unread import UnreadResponses
from service.api.middleware.auth import ApiKeyMiddleware
from service.api.middleware.instrumentation import log_access
from service.api.problems import NO_KEY, is_bug, to_problem
from service.model import InferenceError
from service.observability.metrics import ServiceMetrics
from service.observability.request_context import REQUEST_ID_HEADER, begin_request_context
from service.scheduling.errors import BusyError

ROUTE_PREFIX: Final = "grpc/"
OK: Final = 200
CANCELLED: Final = 499
"""Status in the metrics of a call that the client cancelled, or whose deadline passed."""
UNAUTHORIZED: Final = 401
OF_ANY_CALL: Final = frozenset({OK, CANCELLED, 500})
CODES: Final = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    UNAUTHORIZED: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.NOT_FOUND,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    # not RESOURCE_EXHAUSTED, after which clients retry
    413: grpc.StatusCode.INVALID_ARGUMENT,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.DEADLINE_EXCEEDED,
}
"""gRPC code by HTTP status of an error; others are INTERNAL."""

Messages = AsyncIterator[bytes]
Respond = Callable[[Messages], Awaitable[Message]]
"""Returns the response to a call, whose message it may read; raises its errors."""

serialize: Final = methodcaller("SerializeToString")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Calls:
    """Builds the handlers of calls."""

    metrics: ServiceMetrics
    auth: ApiKeyMiddleware | None
    unread: UnreadResponses
    access_log: bool

    def handler(
        self, name: str, respond: Respond, *, statuses: Collection[int] = (), is_open: bool = False
    ) -> Any:
        """Return the handler of a call; an open one needs no key.

        ``statuses`` are the statuses of its errors in the metrics.
        """
        route = ROUTE_PREFIX + name
        auth = None if is_open else self.auth
        of_keys = set() if auth is None else {UNAUTHORIZED}
        self.metrics.initialize_request_counts({route: OF_ANY_CALL.union(statuses, of_keys)})

        async def handle(messages: Messages, context: ServicerContext) -> Message | None:
            began = perf_counter()
            headers = to_headers(context.invocation_metadata() or ())
            request_id = begin_request_context(headers).request_id
            trailers = [(REQUEST_ID_HEADER.decode(), request_id)]
            status = CANCELLED
            response = None  # after an error nothing is sent
            try:
                if auth is not None:
                    _check_key(auth, headers)
                response = await respond(messages)
                status = OK
            except Exception as error:
                status, code, message = describe(error)
                if isinstance(error, BusyError):
                    trailers.append(("retry-after", str(error.retry_after)))
                # not `abort`: the context would keep the error, and with it the message, for ever
                context.set_code(code)
                context.set_details(message)
            finally:
                seconds = perf_counter() - began
                self.metrics.observe_request(route=route, status=status, seconds=seconds)
                if self.access_log:
                    log_access("gRPC", route, status, seconds)
            context.set_trailing_metadata(tuple(trailers))
            self.unread.watch(context)
            return response

        return grpc.stream_unary_rpc_method_handler(handle, response_serializer=serialize)


def _check_key(auth: ApiKeyMiddleware, headers: Iterable[tuple[bytes, bytes]]) -> None:
    if not auth.has_valid_key(headers):
        raise UnauthorizedError(NO_KEY)


def to_headers(metadata: Iterable[tuple[str, str | bytes]]) -> list[tuple[bytes, bytes]]:
    """Return metadata as ASGI headers."""
    return [
        (name.encode(), value if isinstance(value, bytes) else value.encode())
        for name, value in metadata
    ]


def describe(error: Exception) -> tuple[int, grpc.StatusCode, str]:
    """Return an error's status in the metrics, code and message; log errors of the service.

    The message repeats no input of the client.
    """
    if isinstance(error, InferenceError):
        logger.error("inference failed: %s", error)
    elif is_bug(error):
        logger.error("call failed", exc_info=error)
    problem = to_problem(error)
    code = CODES.get(problem.status, grpc.StatusCode.INTERNAL)
    return problem.status, code, problem.detail or problem.title
