from pathlib import Path

import pytest
from pydantic import ValidationError

from service.settings import ServiceSettings, describe_errors, describe_unknown_variables


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSWIRE_PORT", "9001")
    monkeypatch.setenv("NEWSWIRE_MODEL_DIR", "/models/reuters/1")
    settings = ServiceSettings()
    assert settings.port == 9001
    assert settings.model_dir == Path("/models/reuters/1")
    assert settings.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("NEWSWIRE_PORT", "eighty", "NEWSWIRE_PORT: Input should be a valid integer"),
        ("NEWSWIRE_PORT", "70000", "NEWSWIRE_PORT: Input should be less than or equal to 65535"),
        ("NEWSWIRE_MAX_TEXT_BYTES", "0", "NEWSWIRE_MAX_TEXT_BYTES: Input should be greater"),
        ("NEWSWIRE_LOG_LEVEL", "loud", "NEWSWIRE_LOG_LEVEL: Input should be 'debug', 'info'"),
        (
            "NEWSWIRE_REQUEST_TIMEOUT_SECONDS",
            "1e9",
            "NEWSWIRE_REQUEST_TIMEOUT_SECONDS: Input should",
        ),
        (
            "NEWSWIRE_MODEL_POLL_SECONDS",
            "1e10",
            "NEWSWIRE_MODEL_POLL_SECONDS: Input should be less than",
        ),
        ("NEWSWIRE_DRAIN_SECONDS", "inf", "NEWSWIRE_DRAIN_SECONDS: Input should be less than"),
        ("NEWSWIRE_HEADER_TIMEOUT_SECONDS", "nan", "NEWSWIRE_HEADER_TIMEOUT_SECONDS: Input should"),
    ],
)
def test_invalid_value_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as caught:
        ServiceSettings()
    line = describe_errors(caught.value)
    assert line.startswith(message)
    assert line.endswith(f"got {value!r}")


KEYS = ("a-key-of-16-chars", "!#$%&'()*+-./:;<=>?@[]^_`{|}~")


def test_keys_are_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSWIRE_API_KEYS", f"{KEYS[0]}, {KEYS[1]}\n")
    settings = ServiceSettings()
    assert tuple(key.get_secret_value() for key in settings.api_keys) == KEYS
    for shown in (repr(settings), str(settings), str(settings.model_dump())):
        assert KEYS[0] not in shown
        assert KEYS[1] not in shown


@pytest.mark.parametrize(
    "value",
    [
        "15-characters-x",
        "a-key-of-16-chars,",
        ",a-key-of-16-chars",
        "a-key-of-16-chars,short",
        "a key of 16 characters",
        "ein-schlüssel-mit-ü",
        "a-key-of-16-chars\x7f",
        " ",
    ],
)
def test_invalid_key_is_an_error_and_not_shown(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("NEWSWIRE_API_KEYS", value)
    monkeypatch.setenv("NEWSWIRE_PORT", "eighty")
    with pytest.raises(ValidationError) as caught:
        ServiceSettings()
    keys, port = sorted(describe_errors(caught.value).split("; "))
    assert keys == (
        "NEWSWIRE_API_KEYS: Expected keys of at least 16 visible ASCII characters each, "
        "separated by commas"
    )
    assert port.endswith("got 'eighty'")


def test_metrics_port_must_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSWIRE_METRICS_PORT", "8000")
    with pytest.raises(ValidationError) as caught:
        ServiceSettings()
    expected = "NEWSWIRE_METRICS_PORT: Expected a port other than NEWSWIRE_PORT, got '8000'"
    assert describe_errors(caught.value) == expected
    monkeypatch.setenv("NEWSWIRE_PORT", "8001")
    assert ServiceSettings().metrics_port == 8000


def test_every_setting_has_a_sentence_and_a_default() -> None:
    for name, field in ServiceSettings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
        assert not field.is_required(), name


@pytest.mark.parametrize(
    ("value", "origins"),
    [
        ("*", ("*",)),
        ("https://a.example", ("https://a.example",)),
        (
            "https://a.example:8443 , http://localhost:3000,http://[::1]:80",
            ("https://a.example:8443", "http://localhost:3000", "http://[::1]:80"),
        ),
    ],
)
def test_origins_are_split(
    monkeypatch: pytest.MonkeyPatch, value: str, origins: tuple[str, ...]
) -> None:
    monkeypatch.setenv("NEWSWIRE_CORS_ORIGINS", value)
    assert ServiceSettings().cors_origins == origins


@pytest.mark.parametrize(
    "value",
    [
        "a.example",
        "https://a.example/",
        "https://A.example",
        "https://*.example",
        "https://a.example,",
        "*,https://a.example",
        "null",
    ],
)
def test_invalid_origin_is_an_error(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("NEWSWIRE_CORS_ORIGINS", value)
    with pytest.raises(ValidationError) as caught:
        ServiceSettings()
    line = describe_errors(caught.value)
    assert line.startswith("NEWSWIRE_CORS_ORIGINS: Expected origins such as https://")
    assert line.endswith(f"got {value!r}")


def test_every_time_has_an_upper_bound() -> None:
    for name in ServiceSettings.model_fields:
        if name.endswith("_seconds"):
            ServiceSettings.model_validate({name: 86_400})
            with pytest.raises(ValidationError, match="less than or equal to 86400"):
                ServiceSettings.model_validate({name: 86_401})


@pytest.mark.parametrize("name", ["host", "metrics_host"])
def test_empty_host_is_an_error(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would stand for every address; an empty variable is the default, as of every setting."""
    with pytest.raises(ValidationError) as caught:
        ServiceSettings.model_validate({name: ""})
    assert describe_errors(caught.value).startswith(f"NEWSWIRE_{name.upper()}: String should have")
    monkeypatch.setenv(f"NEWSWIRE_{name.upper()}", "")
    assert ServiceSettings() == ServiceSettings(host="127.0.0.1", metrics_host=None)


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [
        ("NEWSWIRE_API_KEY", "NEWSWIRE_API_KEYS"),
        ("NEWSWIRE_METRIC_PORT", "NEWSWIRE_METRICS_PORT"),
        ("NEWSWIRE_SERVICE_HOSTS", "NEWSWIRE_METRICS_HOST"),
        ("newswire_prot", "NEWSWIRE_PORT"),
    ],
)
def test_unknown_setting_is_named_with_the_nearest(variable: str, nearest: str) -> None:
    line = describe_unknown_variables({variable: "80", "PATH": "/bin"})
    assert line == f"{variable}: unknown setting, did you mean {nearest}?"


def test_several_unknown_settings_are_one_line() -> None:
    variables = {"NEWSWIRE_QQQ": "a secret", "NEWSWIRE_": "", "NEWSWIRE_POTR": "1"}
    assert describe_unknown_variables(variables) == (
        "NEWSWIRE_: unknown setting, correct or unset it; "
        "NEWSWIRE_POTR: unknown setting, did you mean NEWSWIRE_PORT?; "
        "NEWSWIRE_QQQ: unknown setting, correct or unset it"
    )


def test_variables_of_other_programs_are_known() -> None:
    settings = {f"NEWSWIRE_{name.upper()}": "" for name in ServiceSettings.model_fields}
    links = {
        "NEWSWIRE_SERVICE_HOST": "10.0.0.1",
        "NEWSWIRE_SERVICE_PORT_HTTP": "80",
        "NEWSWIRE_TOPICS_SERVICE_HOST": "10.0.0.1",
        "NEWSWIRE_TOPICS_PORT": "tcp://10.0.0.1:80",
        "NEWSWIRE_TOPICS_PORT_80_TCP_ADDR": "10.0.0.1",
        "NEWSWIRE_TOPICS_PORT_80_TCP": "tcp://10.0.0.1:80",
    }
    others = {f"NEWSWIRE_{name}": "1" for name in ("DATA_DIR", "BIND", "UID", "GID")}
    assert describe_unknown_variables({**settings, **links, **others, "MY_NEWSWIRE_X": ""}) == ""
