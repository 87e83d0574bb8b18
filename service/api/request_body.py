"""From a connection to a request's body: admitted, declared as it should be, bounded, in time."""

from collections.abc import Sequence
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope

from service.api.media_type import find_media_type
from service.api.parsing import JSON, Limits, too_large
from service.api.problems import (
    BodyTimeoutError,
    InvalidRequestError,
    TooLargeError,
    UnsupportedMediaTypeError,
)
from service.api.schemas import FieldProblem
from service.api.unfinished_bodies import IncomingBodies
from service.scheduling.admission import Admission, Slots
from service.scheduling.timeouts import Deadline

JSON_EXPANSION: Final = 6
"""JSON may write one byte of text as six, ``\\u0041``."""
JSON_OVERHEAD_BYTES: Final = 1_024
"""For the names of the fields, and some white space."""


class BodyReader:
    """Reads bodies, counting bytes as they come.

    Parameters
    ----------
    limits : Limits
    admission : Admission
        Whether there is room for another request, and for its bytes while they come.
    deadline : Deadline
        How long a body may take.
    """

    def __init__(self, limits: Limits, admission: Admission, deadline: Deadline) -> None:
        self._incoming = IncomingBodies(admission, deadline)
        self._max_bytes = JSON_EXPANSION * limits.max_text_bytes + JSON_OVERHEAD_BYTES
        self._limits = limits
        self._admission = admission
        self._deadline = deadline

    async def read(
        self,
        scope: Scope,
        receive: Receive,
        slots: Slots,
        media_types: Sequence[str] = (JSON,),
    ) -> tuple[str, bytes]:
        """Read a body that is declared as one of some types, if there is a slot for the request.

        The slot is not taken: who sends slowly holds none.

        Returns
        -------
        media_type : str
            Of ``media_types``, as which the body is declared.
        body : bytes

        Raises
        ------
        OverloadedError
            If there is no room for another request, or later for its bytes.
        UnsupportedMediaTypeError
            If the body is declared as something else, or not to be in UTF-8.
        TooLargeError
            If it is longer than any way of writing a text within the limit.
        BodyTimeoutError
            If it is not there in time.
        ClientDisconnect
            If the connection ends before the body does.
        """
        await self._admission.admit(slots)
        media_type = find_media_type(find_header(scope, b"content-type"), media_types)
        if media_type is None:
            expected = " or ".join(media_types)
            raise UnsupportedMediaTypeError(f"Expected a body with Content-Type: {expected}.")
        check_not_compressed(scope)
        return media_type, await self.read_any(scope, receive)

    async def read_any(self, scope: Scope, receive: Receive) -> bytes:
        """Read a body of any type, as `read` does.

        Raises
        ------
        OverloadedError, TooLargeError, BodyTimeoutError, ClientDisconnect
        """
        declared = find_header(scope, b"content-length")  # the server has seen that it is a number
        self._check_length(int(declared) if declared else 0)  # before the client is told to go on
        try:
            with self._deadline:
                message = await receive()
                if message.get("more_body", False):
                    return await self._read_all(message, receive)
        except TimeoutError:
            raise BodyTimeoutError(
                f"Expected the whole body within {self._deadline.seconds:g} seconds."
            ) from None
        body = _chunk(message)
        self._check_length(len(body))
        return body

    async def _read_all(self, message: Message, receive: Receive) -> bytes:
        """Read a body of which there is more than came at once."""
        body = bytearray()
        with self._incoming.reading():
            while True:
                body += _chunk(message)
                self._check_length(len(body))
                self._incoming.grow(len(body))
                if not message.get("more_body", False):
                    return bytes(body)
                message = await receive()

    def _check_length(self, n_bytes: int) -> None:
        if n_bytes > self._max_bytes:
            raise TooLargeError(too_large(self._limits))


def _chunk(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    chunk: bytes = message.get("body", b"")
    return chunk


def check_not_compressed(scope: Scope) -> None:
    """Refuse a compressed body: what it grows to is not known before.

    Raises
    ------
    UnsupportedMediaTypeError
    """
    if find_header(scope, b"content-encoding").strip().lower() not in (b"", b"identity"):
        raise UnsupportedMediaTypeError("Expected a body that is not compressed.")


def check_no_query(scope: Scope) -> None:
    """Refuse options in the query where they are in the body: there they would mean nothing.

    Raises
    ------
    InvalidRequestError
    """
    if scope["query_string"]:
        message = "Expected no query with this body. Put the options into the body."
        raise InvalidRequestError([FieldProblem(field="query", message=message)])


def find_header(scope: Scope, name: bytes) -> bytes:
    """Return the first header of a name in lower case, as ASGI has it; empty if there is none."""
    for header, value in scope["headers"]:
        if header == name:
            return bytes(value)
    return b""
