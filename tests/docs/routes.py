"""Routes and bodies of the service, from the OpenAPI document."""

from collections.abc import Iterator
from typing import Any, Final

from service.api.middleware.instrumentation import DEFAULT_HEADERS
from tests.docs.markdown import block, code, codes, first_paragraph, rst, slug, table
from tests.docs.served_app import openapi
from tests.docs.values import describe_schema

PAGES: Final = {
    "/openapi.json": "Return the OpenAPI document of the served model.",
    "/docs": "Show the OpenAPI document in Swagger UI.",
    "/": "Show a page that classifies what is typed.",
}
"""Routes that the OpenAPI document leaves out."""
ELSEWHERE: Final = {"Problem": "problems.md#problem"}
"""Bodies that have their section on another page."""


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and operation of each route of the OpenAPI document."""
    for path, methods in openapi()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def names() -> list[str]:
    """Return method and path of every route that is documented."""
    return [
        *(f"{method} {path}" for method, path, _ in operations()),
        *(f"GET {path}" for path in PAGES),
    ]


def table_of_routes() -> str:
    """Return every route by tag: request, description, statuses."""
    tags = dict.fromkeys(tag for *_, operation in operations() for tag in operation["tags"])
    parts = []
    for tag in tags:
        rows = [
            (code(f"{method} {path}"), _describe(operation), ", ".join(_statuses(operation)))
            for method, path, operation in operations()
            if operation["tags"] == [tag]
        ]
        parts += [f"### {tag}", table(("request", "response", "statuses"), rows)]
    pages = ((code(f"GET {path}"), text) for path, text in PAGES.items())
    return block(*parts, "### Pages", table(("request", "response"), pages))


def _describe(operation: dict[str, Any]) -> str:
    return first_paragraph(operation["description"])


def _statuses(operation: dict[str, Any]) -> list[str]:
    """Return the statuses if the document has all: it has not those of ``/v2``."""
    return [] if "default" in operation["responses"] else [*operation["responses"]]


def table_of_fields(schema: str) -> str:
    """Return the fields of a body: name, type, default, description."""
    found = openapi()["components"]["schemas"][schema]
    return block(_fields(found))


def table_of_query() -> str:
    """Return the query parameters of ``POST /classify``."""
    parameters = openapi()["paths"]["/classify"]["post"]["parameters"]
    return block(
        table(
            ("parameter", "type"),
            ((code(item["name"]), describe_schema(item["schema"])) for item in parameters),
        )
    )


def sections_of_bodies(*schemas: str) -> str:
    """Return a section for each of some bodies."""
    parts = []
    for name in schemas:
        found = openapi()["components"]["schemas"][name]
        values = f"A string: {codes(found['enum'])}." if "enum" in found else ""
        description = rst(found.get("description", ""))
        parts += [f"### {name}", description, values or _fields(found)]
    return block(*filter(None, parts))


def _fields(schema: dict[str, Any]) -> str:
    required = schema.get("required", ())
    return table(
        ("field", "type", "default", "description"),
        (
            (
                code(name),
                _link(describe_schema(field)),
                "required" if name in required else _default(field),
                rst(field.get("description", "")),
            )
            for name, field in schema["properties"].items()
        ),
    )


def _link(described: str) -> str:
    """Link the names of bodies to their sections."""
    before, found, after = described.partition("object `")
    if not found:
        return described
    name, _, rest = after.partition("`")
    return f"{before}[{code(name)}]({ELSEWHERE.get(name, f'#{slug(name)}')}){_link(rest)}"


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    return "" if default is None else code(str(default).lower())


def table_of_headers() -> str:
    """Return the headers that every response of a route has by default."""
    rows = ((code(name.decode()), code(value.decode())) for name, value in DEFAULT_HEADERS)
    return block(table(("header", "value"), rows))
