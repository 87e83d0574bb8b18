"""Reads the body of a request: checks admission, media type, size and time."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from service.api.errors import BodyTimeoutError, InvalidRequestError
from service.api.limits import RequestLimits
from service.api.media_type import JSON, check_media_type
from service.api.unfinished_bodies import UnfinishedBodies
from service.scheduling.admission import Admission, ConcurrencyLimit
from service.scheduling.timeouts import Timeout

JSON_EXPANSION: Final = 6
"""JSON may write one byte of text as six, ``\\u0041``."""
JSON_OVERHEAD_BYTES: Final = 1_024
"""Room for the names of the fields, and some white space."""
COMPLETE_BODY: Final = "newswire.complete_body"
"""ASGI extension: the server has the whole body, so the first ``receive`` returns it at once."""
MAX_LENGTH_DIGITS: Final = 20
"""Last digits of a Content-Length, which are read: ``int`` would count leading zeros."""
_JSON: Final = JSON.encode()


class BodyReader:
    """Reads bodies, and counts their bytes as they arrive. The timeout is that of a body."""

    def __init__(self, limits: RequestLimits, admission: Admission, timeout: Timeout) -> None:
        self._unfinished = UnfinishedBodies(admission, timeout)
        self._max_bytes = JSON_EXPANSION * limits.max_text_bytes + JSON_OVERHEAD_BYTES
        self._limits = limits
        self._admission = admission
        self._timeout = timeout

    async def read(
        self,
        scope: Scope,
        receive: Receive,
        limit: ConcurrencyLimit,
        media_types: Sequence[str] = (JSON,),
    ) -> tuple[str, bytes]:
        """Read a body of one of ``media_types``, which include JSON, if there is a free permit.

        No permit is taken: a slow client holds none. Returns the media type, empty without a
        Content-Type, and the body.

        Raises
        ------
        OverloadedError
            If there is no free permit, after `REJECTION_DELAY_SECONDS`; or no room for the bytes.
        UnsupportedMediaTypeError
            If the body has another type or character set, or is compressed.
        TooLargeError
            If it is longer than any encoding of a text within the limit.
        BodyTimeoutError
            If it takes too long.
        ClientDisconnect
            If the connection ends before the body does.
        """
        if not (limit.n_free and self._admission.limit.n_free):
            await self._admission.reject(limit)
        headers = dict(reversed(scope["headers"]))  # of repeated headers, the first counts
        media_type = JSON
        if headers.get(b"content-type") != _JSON or b"content-encoding" in headers:
            media_type = check_media_type(scope["headers"], media_types)
        # the server has checked that it is a number; a body that is too long gets no 100 Continue
        declared = headers.get(b"content-length", b"").strip()[-MAX_LENGTH_DIGITS:]
        if int(declared or 0) > self._max_bytes:
            raise self._limits.too_large()
        if COMPLETE_BODY not in scope.get("extensions", ()):
            return media_type, await self._read_unfinished(receive)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body: bytes = message["body"]
        if len(body) > self._max_bytes:
            raise self._limits.too_large()
        return media_type, body

    async def _read_unfinished(self, receive: Receive) -> bytes:
        """Read a body that the client may still send."""
        body = bytearray()
        try:
            with self._timeout:
                message = await receive()
                in_parts = message.get("more_body", False)
                with self._unfinished.reading() if in_parts else nullcontext():
                    while message["type"] != "http.disconnect":
                        body += message.get("body", b"")
                        if len(body) > self._max_bytes:
                            raise self._limits.too_large()
                        self._unfinished.grow(len(body))
                        if not message.get("more_body", False):
                            return bytes(body)
                        message = await receive()
                raise ClientDisconnect
        except TimeoutError:
            raise BodyTimeoutError(
                f"Expected the whole body within {self._timeout.seconds:g} seconds."
            ) from None


def check_no_query(scope: Scope) -> None:
    """Reject a query where the options are in the body.

    Raises
    ------
    InvalidRequestError
    """
    if scope["query_string"]:
        message = "Expected no query with this body. Put the options into the body."
        raise InvalidRequestError.of("query", message)
