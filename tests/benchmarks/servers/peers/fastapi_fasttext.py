"""FastAPI and fastText: the classifier of `tests.benchmarks.classifiers.fasttext_model`, served.

As FastAPI's documentation teaches it: the endpoint is a ``def``, which FastAPI runs in a thread, and
the model is loaded in the lifespan (https://fastapi.tiangolo.com/async/, advanced/events/).
"""

import sys
from pathlib import Path

import uvicorn

from tests.benchmarks.classifiers.fasttext_model import Classifier
from tests.benchmarks.servers.peers.fastapi_app import build_app

if __name__ == "__main__":
    app = build_app(lambda: Classifier(Path(sys.argv[2])))
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False)
