"""The settings of the service."""

from typing import Any, Final

from pydantic.fields import FieldInfo

from service.settings import PREFIX, ServiceSettings
from tests.docs.markdown import block, code, codes, rst, table
from tests.docs.values import describe_schema

OWN_FORMS: Final = {"api_keys": "list", "cors_origins": "list"}
"""Of settings that a validator splits."""


def names() -> list[str]:
    """Return the environment variables."""
    return [f"{PREFIX}{name.upper()}" for name in ServiceSettings.model_fields]


def table_of_settings() -> str:
    """Return every setting: variable, default, values and description."""
    properties = ServiceSettings.model_json_schema()["properties"]
    return block(
        table(
            ("variable", "default", "values", "description"),
            (
                (
                    code(f"{PREFIX}{name.upper()}"),
                    _default(field),
                    _values(name, schema),
                    _of(field),
                )
                for (name, field), schema in zip(
                    ServiceSettings.model_fields.items(), properties.values(), strict=True
                )
            ),
        )
    )


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, bool):
        return code(str(value).lower())
    if isinstance(value, float):
        return code(f"{value:g}")
    return "none" if value in (None, ()) else code(value)


def _values(name: str, schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return codes(schema["enum"])
    if name in OWN_FORMS:
        return OWN_FORMS[name]
    return describe_schema(schema).replace(" or null", "").replace("boolean", "`true`, `false`")


def _of(field: FieldInfo) -> str:
    return rst(field.description or "")
