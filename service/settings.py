"""Environment variables to settings. Each is declared once, here."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "NEWSWIRE_"


class ServiceSettings(BaseSettings):
    """The service's settings: ``NEWSWIRE_`` and the name in capitals.

    Raises
    ------
    pydantic.ValidationError
        If a variable's value is not of its form; `describe_errors` puts it in words.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    host: Annotated[str, Field(description="Address to listen on; 0.0.0.0 for every one.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Field(ge=1, le=65_535, description="TCP port to listen on.")] = 8000
    model_dir: Annotated[
        Path,
        Field(
            description="A bundle, or a folder of numbered ones, of which the highest is served."
        ),
    ] = Path("models/reuters")
    max_text_bytes: Annotated[
        int, Field(ge=1, description="Longest text, title included, in bytes of UTF-8.")
    ] = 1_000_000
    max_batch_items: Annotated[int, Field(ge=1, description="Most texts in a batch.")] = 256
    max_explained_words: Annotated[
        int, Field(ge=1, description="Most words, in all texts of a request that asks to explain.")
    ] = 2_000
    drain_seconds: Annotated[
        float,
        Field(ge=0, allow_inf_nan=False, description="How long to go on, not ready, on SIGTERM."),
    ] = 0.0
    shutdown_timeout_seconds: Annotated[
        int, Field(ge=1, description="How long requests in progress may take to finish on SIGTERM.")
    ] = 8
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Field(description="Least severe log lines to write."),
    ] = "info"
    access_log: Annotated[
        bool, Field(description="Log a line for each request; it costs throughput.")
    ] = False


def describe_errors(error: ValidationError) -> str:
    """Say in one line which variables are wrong, what was expected and what came."""
    return "; ".join(
        f"{PREFIX}{'_'.join(map(str, item['loc'])).upper()}: {item['msg']}, got {item['input']!r}"
        for item in error.errors()
    )
