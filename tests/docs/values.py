"""Types and ranges of JSON Schema in words."""

from typing import Any, Final

from tests.docs.markdown import code, codes

PLAIN: Final = {"string", "integer", "number", "boolean", "null", "object"}


def describe_schema(schema: dict[str, Any]) -> str:
    """Return a schema in words, such as "integer, 1 to 46"."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(describe_schema, schema["anyOf"])))
    if "$ref" in schema:
        return f"object {code(schema['$ref'].rpartition('/')[2])}"
    if "const" in schema:
        return code(str(schema["const"]).lower())
    if "enum" in schema:
        return f"one of {codes(schema['enum'])}"
    kind = schema.get("type")
    if kind == "array":
        items = describe_schema(schema.get("items", {}))
        return f"array of {items}" if items != "any" else "array"
    if kind == "string" and schema.get("format") in ("path", "file-path", "directory-path"):
        return "path"
    if kind not in PLAIN:
        return "any"
    return ", ".join(filter(None, (str(kind), _range(schema))))


def _range(schema: dict[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    above = schema.get("exclusiveMinimum")
    parts = []
    if low is not None and high is not None:
        return f"{_number(low)} to {_number(high)}"
    if above is not None:
        parts.append(f"above {_number(above)}")
    if low is not None:
        parts.append(f"at least {_number(low)}")
    if high is not None:
        parts.append(f"at most {_number(high)}")
    return ", ".join(parts)


def _number(value: float) -> str:
    return f"{value:,g}" if abs(value) < 10_000 else f"{value:,.0f}"
