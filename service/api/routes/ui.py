"""The pages ``GET /``, which classifies a text, and ``GET /docs``, which is Swagger UI.

Their files come from this package and from fastapi-offline, none from another host.
"""

from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from service import __version__
from service.api.problems import route_path
from service.api.served_model import ModelHandle
from service.model import Abstention, InferenceError, TopicClassifier

FOLDER: Final = Path(__file__).parents[1] / "static"
PAGES: Final = {"/": "index.html", "/docs": "docs.html"}
"""File of each page. The page loads its other files from `FILES`, by relative addresses."""
SWAGGER_UI: Final = ("swagger-ui-bundle.js", "swagger-ui.css")
"""Files of fastapi-offline."""
FILES: Final = "/page/{name}"
CONFIG: Final = "/page/config.json"
PACKAGE: Final = "newswire-topics"
TOPIC_FIELDS: Final = ("code", "name", "group", "description")
MAX_EXAMPLES: Final = 4  # examples with a topic; one of no topic may follow
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Accept-Ranges": "none",  # an invalid Range would not get a problem document
    "Cache-Control": "no-cache",  # revalidated each time, so that a new release shows at once
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
}
"""Headers of the pages, in place of those of `service.api.middleware.instrumentation`."""


def page_paths() -> frozenset[str]:
    """Return the paths of the pages and of their files."""
    return frozenset(_files())


def page_routes(model: ModelHandle) -> APIRouter:
    """Return the routes of the pages, of their files, and of the model data that they show."""
    router = APIRouter(include_in_schema=False)
    files = StaticFiles(directory=FOLDER, packages=[("fastapi_offline", "static")])
    names = _files()
    source = source_address()
    examples: WeakKeyDictionary[TopicClassifier, list[dict[str, str]]] = WeakKeyDictionary()

    @router.get(CONFIG)
    async def config() -> dict[str, Any]:
        served = model.served
        classifier = served.classifier
        manifest = classifier.manifest
        description = manifest.data.get("description")  # of the texts that the model was trained on
        if classifier not in examples:
            examples[classifier] = page_examples(classifier)
        return {
            "name": manifest.name,
            "version": manifest.version,
            "description": description if isinstance(description, str) else None,
            "abstains": manifest.abstains,
            "no_topic": manifest.no_topic,
            "all_topics": classifier.finds_all_topics,
            "default_top_k": classifier.default_top_k,
            "max_explained_words": served.limits.max_explained_words,
            "examples": examples[classifier],
            "topics": [
                {name: getattr(topic, name) for name in TOPIC_FIELDS} for topic in classifier.topics
            ],
            "service_version": __version__,
            "source": source,
        }

    @router.get("/")
    @router.get("/docs")
    @router.get(FILES)
    async def file(request: Request) -> Response:
        scope = request.scope
        name = names.get(route_path(scope))
        if name is None:
            raise HTTPException(404)
        scope["headers"] = [header for header in scope["headers"] if header[0] != b"range"]
        response = await files.get_response(name, scope)
        response.headers.update(HEADERS)
        return response

    return router


def page_examples(classifier: TopicClassifier) -> list[dict[str, str]]:
    """Return golden texts of different topics, and one of no topic, each with its label."""
    try:
        predictions = classifier.classify(classifier.golden_texts, top_k=1)
    except InferenceError:
        return []
    of_topics: dict[str, dict[str, str]] = {}
    of_none: list[dict[str, str]] = []
    for text, prediction in zip(classifier.golden_texts, predictions, strict=True):
        fields = {"title": text.title or "", "text": text.text}
        label = prediction.topics[0].topic.name
        if prediction.abstained is None:
            of_topics.setdefault(label, {"label": label, **fields})
        elif prediction.abstained is Abstention.NO_TOPIC:
            of_none.append({"label": "None of the topics", **fields})
    return [*list(of_topics.values())[:MAX_EXAMPLES], *of_none[:1]]


def source_address() -> str | None:
    """Return the address of the source code in the metadata of the installed package, if any."""
    try:
        labelled = metadata(PACKAGE).get_all("Project-URL", [])
    except PackageNotFoundError:  # not installed: runs from its folder
        return None
    addresses = dict(url.split(", ", 1) for url in labelled)
    return addresses.get("Source")


def _files() -> dict[str, str]:
    """Return the names of the files by path."""
    names = {*SWAGGER_UI, *(path.name for path in FOLDER.iterdir())} - {*PAGES.values()}
    return PAGES | {FILES.format(name=name): name for name in names}
