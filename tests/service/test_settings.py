from pathlib import Path

import pytest
from pydantic import ValidationError

from service.settings import ServiceSettings, describe_errors


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
    ],
)
def test_a_wrong_value_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as caught:
        ServiceSettings()
    line = describe_errors(caught.value)
    assert line.startswith(message)
    assert line.endswith(f"got {value!r}")


def test_every_setting_has_a_sentence_and_a_default() -> None:
    for name, field in ServiceSettings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
        assert not field.is_required(), name
