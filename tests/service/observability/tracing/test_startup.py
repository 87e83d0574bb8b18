import pytest

from service.observability.tracing.startup import TracingError, check_exporter, find_endpoint

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
URL = "http://localhost:4318"


@pytest.mark.parametrize(
    ("environ", "endpoint"),
    [
        ({}, None),
        ({ENDPOINT: ""}, None),
        ({ENDPOINT: URL}, ENDPOINT),
        ({TRACES_ENDPOINT: URL}, TRACES_ENDPOINT),
        ({ENDPOINT: URL, TRACES_ENDPOINT: URL}, TRACES_ENDPOINT),
        ({ENDPOINT: URL, "OTEL_SDK_DISABLED": "True"}, None),
        ({ENDPOINT: URL, "OTEL_SDK_DISABLED": "false"}, ENDPOINT),
        ({ENDPOINT: URL, "OTEL_TRACES_EXPORTER": "none"}, None),
        ({"OTEL_SERVICE_NAME": "news", "OTEL_TRACES_EXPORTER": "otlp"}, None),
    ],
)
def test_the_variable_that_turns_traces_on(environ: dict[str, str], endpoint: str | None) -> None:
    assert find_endpoint(environ) == endpoint


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({ENDPOINT: "collector:4318"}, f"{ENDPOINT}: expected a URL such as"),
        ({ENDPOINT: URL, TRACES_ENDPOINT: "http://"}, f"{TRACES_ENDPOINT}: expected a URL"),
        *(
            ({ENDPOINT: url}, f"{ENDPOINT}: expected a URL such as")
            for url in ("http://[::1", "http://a:99999", "http://a:port", "http://a:0")
        ),
        (
            {ENDPOINT: URL, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf, got 'grpc'",
        ),
        (
            {ENDPOINT: URL, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"},
            "_TRACES_PROTOCOL: expected http/protobuf, got 'http/json'",
        ),
        (
            {ENDPOINT: URL, "OTEL_TRACES_EXPORTER": "zipkin"},
            "OTEL_TRACES_EXPORTER: expected otlp, got 'zipkin'",
        ),
    ],
)
def test_what_cannot_be_used_is_an_error(environ: dict[str, str], message: str) -> None:
    with pytest.raises(TracingError, match=message):
        check_exporter(environ, find_endpoint(environ) or "")


def test_an_exporter_may_be_named() -> None:
    check_exporter(
        {
            ENDPOINT: "https://collector.example/otlp",
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        },
        ENDPOINT,
    )
