"""FastAPI and scikit-learn."""

import sys
from pathlib import Path

import uvicorn

from tests.benchmarks.classifiers.sklearn_model import Classifier
from tests.benchmarks.servers.peers.fastapi_app import build_app

if __name__ == "__main__":
    app = build_app(lambda: Classifier(Path(sys.argv[2])))
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False)
