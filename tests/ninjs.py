"""The part of IPTC's JSON schema of ninjs 2.1 that documents of ``--ninjs`` are under.

ninjs 2.1 is copyright IPTC - International Press Telecommunications Council, CC BY 4.0. The schema,
https://iptc.org/std/ninjs/ninjs-schema_2.1.json, has further properties, none of which is required,
and allows no others.
"""

from typing import Any, Final

_STRING: Final = {"type": "string"}
_PERCENTAGE: Final = {"type": "integer", "minimum": 0, "maximum": 100}
_URI: Final = {"type": "string", "pattern": r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+$"}


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": [*required],
        "additionalProperties": False,
    }


SUBJECT: Final = _object(
    {
        **dict.fromkeys(("name", "rel", "literal", "creator"), _STRING),
        "uri": _URI,
        "relevance": _PERCENTAGE,
        "confidence": _PERCENTAGE,
    }
)
SCHEMA: Final = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **_object(
        {
            "uri": _URI,
            "type": {
                "enum": ["text", "audio", "video", "picture", "graphic", "composite", "component"]
            },
            "representationtype": {"enum": ["full", "partial"]},
            "headlines": {
                "type": "array",
                "items": _object(dict.fromkeys(("role", "contenttype", "value"), _STRING), "value"),
            },
            "subjects": {"type": "array", "items": SUBJECT},
            "standard": _object({"name": _STRING, "version": _STRING, "schema": _URI}),
        },
        "uri",
    ),
}
