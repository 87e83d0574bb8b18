"""The pages for people: ``GET /`` to try the model, ``GET /docs`` to read what the interface is.

They are files of the package, which ask nothing of any other host.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple, Self

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

FOLDER: Final = Path(__file__).parents[1] / "static"
PAGES: Final = {"/": "index.html", "/docs": "docs.html"}
"""Which file each page is. What they load stands under `FILES`, relative to them."""
FILES: Final = "/page/{name}"
LIMIT: Final = b'name="max-explained-words" content="2000"'
"""As it stands in the file."""
MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
HEADERS: Final = {
    # asks again each time, and mostly hears 304: a new release shows at once
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "img-src 'self' data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    ),
    "Referrer-Policy": "no-referrer",
}
"""Beside those that every answer has."""


class PageFile(NamedTuple):
    """A file as it is sent.

    Attributes
    ----------
    content : bytes
    headers : mapping of str to str
    """

    content: bytes
    headers: Mapping[str, str]

    @classmethod
    def read(cls, path: Path, limit: bytes) -> Self:
        """Read a file, put in the limit that holds here, and name its content by a hash."""
        content = path.read_bytes().replace(LIMIT, limit)
        tag = f'"{sha256(content).hexdigest()[:32]}"'
        media_type = MEDIA_TYPES[path.suffix]
        return cls(content, {**HEADERS, "ETag": tag, "Content-Type": media_type})

    async def answer(self, request: Request) -> Response:
        """Send the file, or say that the client has it already."""
        known = request.headers.get("if-none-match", "").split(",")
        # a proxy that compresses makes a tag weak
        if self.headers["ETag"] in {tag.strip().removeprefix("W/") for tag in known}:
            return Response(status_code=304, headers=self.headers)
        return Response(self.content, headers=self.headers)


def page_paths() -> frozenset[str]:
    """Give the addresses of the pages, and of all that they load but what the service answers."""
    names = {path.name for path in FOLDER.iterdir() if path.is_file()} - {*PAGES.values()}
    return frozenset(PAGES) | {FILES.format(name=name) for name in names}


def page_routes(*, max_explained_words: int) -> APIRouter:
    """Return the routes of the pages, and of what they load. The files are read here, once.

    Parameters
    ----------
    max_explained_words : int
        Up to which the page asks for an explanation.
    """
    router = APIRouter(include_in_schema=False)
    limit = f'name="max-explained-words" content="{max_explained_words}"'.encode()
    files = {path.name: PageFile.read(path, limit) for path in FOLDER.iterdir() if path.is_file()}
    loaded = {name: file for name, file in files.items() if name not in PAGES.values()}

    # their names are no labels of metrics: what is asked for is unbounded
    @router.get(FILES)
    async def page_file(request: Request, name: str) -> Response:
        if name not in loaded:
            raise HTTPException(404)
        return await loaded[name].answer(request)

    for route, name in PAGES.items():
        router.add_api_route(route, files[name].answer)
    return router
