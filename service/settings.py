"""All settings, from environment variables."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service.model import default_model_dir

PREFIX = "NEWSWIRE_"
OTHER_VARIABLES: Final = ("DATA_DIR", "BIND", "UID", "GID")
"""Variables of the training job and of docker-compose.yml, without the prefix."""
SERVICE_LINK: Final = re.compile(
    r"(.+_)?SERVICE_(HOST|PORT(_.+)?)|(.+_)?PORT_\d+_(TCP|UDP|SCTP)(_.+)?"
)
"""Variables that Kubernetes sets for a Service whose name begins with newswire."""
LINK_URL: Final = re.compile(r"(tcp|udp|sctp)://.*")
MAX_SECONDS = 86_400
API_KEY: Final = re.compile(r"[!-+\--~]{16,}")
"""At least 16 visible ASCII characters without the comma, which separates keys."""
ORIGIN: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://[a-z0-9._-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?"
)
"""An Origin header as browsers send it."""

Count = Annotated[int, Field(ge=1)]
Host = Annotated[str, Field(min_length=1)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Seconds = Annotated[float, Field(ge=0, le=MAX_SECONDS)]
Timeout = Annotated[float, Field(gt=0, le=MAX_SECONDS)]
WholeTimeout = Annotated[int, Field(ge=1, le=MAX_SECONDS)]


class ServiceSettings(BaseSettings):
    """The settings: variables ``NEWSWIRE_`` and the name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, use_attribute_docstrings=True
    )

    host: Host = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for all."""
    port: Port = 8000
    """TCP port to listen on."""
    model_dir: Path = Field(default_factory=default_model_dir)
    """A bundle, or a folder of numbered bundles, of which the highest is served."""
    model_poll_seconds: Seconds = 0.0
    """Interval of checks for a new model; 0 checks only on SIGHUP."""
    max_text_bytes: Count = 1_000_000
    """Maximum size of a text with its title, in bytes of UTF-8."""
    max_text_words: Count = 200_000
    """Maximum number of words of a text with its title."""
    max_batch_size: Count = 256
    """Maximum number of texts in a batch request."""
    max_explained_words: Count = 2_000
    """Maximum number of words in a request with explanations."""
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode, Field(repr=False)] = ()
    """API keys, separated by commas; empty disables authentication."""
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Allowed CORS origins such as https://a.example, separated by commas; * for all."""
    metrics_require_key: bool = True
    """Whether /metrics requires an API key, if there are keys."""
    metrics_host: Host | None = None
    """Address of NEWSWIRE_METRICS_PORT; default NEWSWIRE_HOST."""
    metrics_port: Port | None = None
    """Separate TCP port for /metrics, without authentication."""
    grpc_port: Port | None = None
    """TCP port of the Open Inference Protocol over gRPC, with the extra grpc; none by default."""
    max_concurrent_requests: Count = 20
    """Maximum number of concurrent classification requests; further ones get 429."""
    max_buffered_bytes: Count = 24_000_000
    """Maximum bytes of request bodies that are incomplete or wait for a thread."""
    request_timeout_seconds: Timeout = 10.0
    """Timeout for receiving a request body, and for processing it."""
    header_timeout_seconds: Timeout = 5.0
    """Timeout for receiving request headers."""
    keep_alive_seconds: WholeTimeout = 5
    """Idle timeout of a connection; set it above the idle timeout of a proxy in front."""
    drain_seconds: Seconds = 0.0
    """How long to keep serving while reporting not ready, after SIGTERM."""
    shutdown_timeout_seconds: WholeTimeout = 8
    """Timeout for requests in progress at shutdown."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Minimum level of log lines."""
    access_log: bool = False
    """Log every request; this costs throughput."""

    @field_validator("api_keys", mode="before")
    @classmethod
    def _split_keys(cls, keys: str | tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        """Split keys; an empty one is an error, like a short one."""
        if isinstance(keys, str):
            keys = tuple(SecretStr(key.strip()) for key in keys.split(","))
        if not all(API_KEY.fullmatch(key.get_secret_value()) for key in keys):
            raise PydanticCustomError(
                "api_keys",
                "Expected keys of at least 16 visible ASCII characters each, separated by commas",
            )
        return keys

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_origins(cls, origins: str | tuple[str, ...]) -> tuple[str, ...]:
        """Split origins; one that no browser sends would silently allow nothing."""
        if isinstance(origins, str):
            origins = tuple(origin.strip() for origin in origins.split(","))
        if origins != ("*",) and not all(map(ORIGIN.fullmatch, origins)):
            raise PydanticCustomError(
                "cors_origins",
                "Expected origins such as https://news.example or http://localhost:3000, in lower "
                "case and without a path, separated by commas; or * alone",
            )
        return origins

    @field_validator("metrics_port", "grpc_port")
    @classmethod
    def _check_ports_differ(cls, port: int | None, info: ValidationInfo) -> int | None:
        """Compare a port with those that are declared before it."""
        for other in ("port", "metrics_port"):
            if port is not None and port == info.data.get(other):
                name = f"{PREFIX}{other.upper()}"
                raise PydanticCustomError("port", f"Expected a port other than {name}")
        return port


def describe_unknown_variables(variables: Mapping[str, str]) -> str:
    """Return one line about variables with the prefix that are not settings; empty if none.

    A mistyped setting would silently keep its default: no API key, no limit.
    """
    settings = [name.upper() for name in ServiceSettings.model_fields]
    unknown = []
    for variable, value in sorted(variables.items()):
        name = variable.upper().removeprefix(PREFIX)
        if name == variable.upper() or name in settings or name in OTHER_VARIABLES:
            continue
        if SERVICE_LINK.fullmatch(name) or (name.endswith("PORT") and LINK_URL.fullmatch(value)):
            continue
        nearest = get_close_matches(name, settings, n=1)
        advice = f"did you mean {PREFIX}{nearest[0]}?" if nearest else "correct or unset it"
        unknown.append(f"{variable}: unknown setting, {advice}")
    return "; ".join(unknown)


def describe_errors(error: ValidationError) -> str:
    """Return one line: each invalid variable, what was expected, and the value unless secret."""
    lines = []
    for item in error.errors():
        name = "_".join(map(str, item["loc"]))
        field = ServiceSettings.model_fields.get(str(item["loc"][0]))
        got = f", got {item['input']!r}" if field is None or field.repr else ""
        lines.append(f"{PREFIX}{name.upper()}: {item['msg']}{got}")
    return "; ".join(lines)
