import logging

import pytest

from service.server.rejections import TEXTS, RejectionLog, rejection_response


def test_response_is_complete_and_closes() -> None:
    head, _, body = rejection_response(431, [(b"date", b"now")]).partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 431 Request Header Fields Too Large",
        b"date: now",
        b"content-type: text/plain; charset=utf-8",
        b"content-length: %d" % len(body),
        b"connection: close",
    ]
    assert body == TEXTS[431]


def test_suppressed_lines_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    log = RejectionLog(logging.getLogger("test"))
    for now in (0.0, 0.1, 0.9, 1.0, 5.0):
        log.log(400, now)
    assert [record.getMessage() for record in caplog.records] == [
        "400 Invalid HTTP request received.",
        "400 Invalid HTTP request received. (2 more since the last line)",
        "400 Invalid HTTP request received.",
    ]
