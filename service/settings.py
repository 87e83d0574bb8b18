"""Environment variables to settings. Each is declared once, here."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "NEWSWIRE_"
OTHER_VARIABLES: Final = ("DATA_DIR", "BIND", "UID", "GID")
"""Of the training job and of docker-compose.yml, after the prefix."""
SERVICE_LINK: Final = re.compile(
    r"(.+_)?SERVICE_(HOST|PORT(_.+)?)|(.+_)?PORT_\d+_(TCP|UDP|SCTP)(_.+)?"
)
"""Variables that Kubernetes sets in containers for a Service whose name begins with newswire."""
LINK_URL: Final = re.compile(r"(tcp|udp|sctp)://.*")
MOST_SECONDS = 86_400
"""Longest time: a day."""
API_KEY: Final = re.compile(r"[!-+\--~]{16,}")
"""Visible ASCII but the comma, which stands between keys; shorter ones can be guessed."""

ORIGIN: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://[a-z0-9._-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?"
)
"""What a browser sends in the header Origin."""


class ServiceSettings(BaseSettings):
    """The service's settings: ``NEWSWIRE_`` and the name in capitals.

    Raises
    ------
    pydantic.ValidationError
        If a variable's value is not of its form; `describe_errors` puts it in words.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    host: Annotated[
        str, Field(min_length=1, description="Address to listen on; 0.0.0.0 for every one.")
    ] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535, description="TCP port to listen on.")] = 8000
    model_dir: Annotated[
        Path,
        Field(
            description="A bundle, or a folder of numbered ones, of which the highest is served."
        ),
    ] = Path("models/reuters")
    model_poll_seconds: Annotated[
        float,
        Field(
            ge=0,
            le=MOST_SECONDS,
            description="How often to look for another model; 0 is only on SIGHUP.",
        ),
    ] = 0.0
    max_text_bytes: Annotated[
        int, Field(ge=1, description="Longest text, title included, in bytes of UTF-8.")
    ] = 1_000_000
    max_text_words: Annotated[
        int, Field(ge=1, description="Most words of a text, title included.")
    ] = 200_000
    max_batch_size: Annotated[int, Field(ge=1, description="Most texts in a batch.")] = 256
    max_explained_words: Annotated[
        int, Field(ge=1, description="Most words, in all texts of a request that asks to explain.")
    ] = 2_000
    api_keys: Annotated[
        tuple[SecretStr, ...],
        NoDecode,
        Field(repr=False, description="Keys, one of which each request needs; commas between."),
    ] = ()
    cors_origins: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(
            description="Origins whose pages browsers let call the service, as https://a.example; "
            "commas between; * for every one."
        ),
    ] = ()
    metrics_require_key: Annotated[
        bool, Field(description="Whether /metrics needs a key too, if there are keys.")
    ] = True
    metrics_host: Annotated[
        str | None, Field(min_length=1, description="Address of NEWSWIRE_METRICS_PORT, if another.")
    ] = None
    metrics_port: Annotated[
        int | None, Field(ge=1, le=65_535, description="TCP port for /metrics alone, without keys.")
    ] = None
    max_concurrent_requests: Annotated[
        int,
        Field(ge=1, description="Most requests to classify at once; more are told to come later."),
    ] = 20
    max_buffered_bytes: Annotated[
        int,
        Field(
            ge=1, description="Most bytes of bodies that are not whole yet, or wait for a thread."
        ),
    ] = 24_000_000
    request_timeout_seconds: Annotated[
        float,
        Field(
            gt=0,
            le=MOST_SECONDS,
            description="How long a body may take to come, and then its answer.",
        ),
    ] = 10.0
    header_timeout_seconds: Annotated[
        float,
        Field(
            gt=0,
            le=MOST_SECONDS,
            description="How long the head of a request may take to come.",
        ),
    ] = 5.0
    keep_alive_seconds: Annotated[
        int,
        Field(
            ge=1,
            le=MOST_SECONDS,
            description=(
                "How long a connection may stay open between two requests; longer than a proxy in "
                "front keeps it."
            ),
        ),
    ] = 5
    drain_seconds: Annotated[
        float,
        Field(ge=0, le=MOST_SECONDS, description="How long to go on, not ready, on SIGTERM."),
    ] = 0.0
    shutdown_timeout_seconds: Annotated[
        int,
        Field(
            ge=1,
            le=MOST_SECONDS,
            description="How long requests in progress may take to finish on SIGTERM.",
        ),
    ] = 8
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Field(description="Least severe log lines to write."),
    ] = "info"
    access_log: Annotated[
        bool, Field(description="Log a line for each request; it costs throughput.")
    ] = False

    @field_validator("api_keys", mode="before")
    @classmethod
    def _split_keys(cls, keys: str | tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        """Take the keys apart. An empty one is as wrong as a short one: nobody means that."""
        if isinstance(keys, str):
            keys = tuple(SecretStr(key.strip()) for key in keys.split(","))
        if not all(API_KEY.fullmatch(key.get_secret_value()) for key in keys):
            raise PydanticCustomError(
                "api_keys",
                "Expected keys of at least 16 visible ASCII characters each, commas between them",
            )
        return keys

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_origins(cls, origins: str | tuple[str, ...]) -> tuple[str, ...]:
        """Take the origins apart; one that no browser sends would allow nothing, in silence."""
        if isinstance(origins, str):
            origins = tuple(origin.strip() for origin in origins.split(","))
        if origins != ("*",) and not all(map(ORIGIN.fullmatch, origins)):
            raise PydanticCustomError(
                "cors_origins",
                "Expected origins such as https://news.example or http://localhost:3000, in lower "
                "case and without a path, commas between them; or * alone",
            )
        return origins

    @field_validator("metrics_port")
    @classmethod
    def _check_ports_differ(cls, port: int | None, info: ValidationInfo) -> int | None:
        if port is not None and port == info.data.get("port"):
            raise PydanticCustomError("metrics_port", "Expected another port than NEWSWIRE_PORT")
        return port


def describe_unknown_variables(variables: Mapping[str, str]) -> str:
    """Say in one line which variables with the prefix are no settings; empty if there are none.

    A setting whose name is mistyped would keep its default in silence: no key, no limit.
    """
    settings = [name.upper() for name in ServiceSettings.model_fields]
    known = {*settings, *OTHER_VARIABLES}
    unknown = []
    for variable, value in sorted(variables.items()):
        name = variable.upper().removeprefix(PREFIX)
        if name == variable.upper() or name in known or _is_service_link(name, value):
            continue
        nearest = get_close_matches(name, settings, n=1)
        advice = f"did you mean {PREFIX}{nearest[0]}?" if nearest else "correct or unset it"
        unknown.append(f"{variable}: there is no such setting, {advice}")
    return "; ".join(unknown)


def _is_service_link(name: str, value: str) -> bool:
    return bool(SERVICE_LINK.fullmatch(name)) or (
        name.endswith("PORT") and bool(LINK_URL.fullmatch(value))
    )


def describe_errors(error: ValidationError) -> str:
    """Say in one line which variables are wrong, what was expected and what came.

    What came is left out where a field is not to be shown (``repr=False``), for it is a secret.
    """
    return "; ".join(map(_describe, error.errors()))


def _describe(item: ErrorDetails) -> str:
    name = "_".join(map(str, item["loc"]))
    field = ServiceSettings.model_fields.get(str(item["loc"][0]))
    got = f", got {item['input']!r}" if field is None or field.repr else ""
    return f"{PREFIX}{name.upper()}: {item['msg']}{got}"
