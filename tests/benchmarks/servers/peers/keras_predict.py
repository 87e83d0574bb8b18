"""FastAPI and Keras, as tutorials have it: a row of 10,000 words, and ``model.predict``.

The network and its multi-hot input are those of the book's Reuters example, here bundle 1, whose
weights are read back from its ONNX file. The endpoint is a ``def``, which FastAPI runs in a thread:
https://fastapi.tiangolo.com/async/ says so for code that blocks. The model is loaded in the
lifespan, as in https://fastapi.tiangolo.com/advanced/events/.
"""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow reads it when it is imported

import keras
import numpy as np
import onnx
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from service.model import load_bundle
from service.model.bundle import ENCODERS

BUNDLE = Path("models/reuters/1")
loaded: dict[str, Any] = {}


class News(BaseModel):
    """A text to classify."""

    text: str


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load the model before the first request."""
    bundle = load_bundle(BUNDLE)
    loaded["topics"] = bundle.topics
    loaded["encoder"] = ENCODERS[bundle.manifest.tokenizer](bundle.vocabulary)
    loaded["model"] = build_model(bundle.network)
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/classify")
def classify(news: News) -> dict[str, Any]:
    """Classify a text."""
    row = np.zeros((1, 10_000), dtype="float32")
    row[0, loaded["encoder"].token_ids(news.text)] = 1.0
    (scores,) = loaded["model"].predict(row, verbose=0)
    ranked = [(loaded["topics"][i], float(scores[i])) for i in np.argsort(-scores)[:3]]
    topics = [{"topic": t.code, "name": t.name, "id": t.id, "score": s} for t, s in ranked]
    return {"topic": topics[0]["topic"], "topics": topics}


def build_model(network: bytes) -> Any:
    """Build the book's network, with the weights of an ONNX file in the order of their use."""
    graph = onnx.load_from_string(network).graph
    arrays = {item.name: onnx.numpy_helper.to_array(item) for item in graph.initializer}
    layers = [node for node in graph.node if node.op_type in {"Gather", "MatMul", "Add"}]
    weights = [arrays[name] for node in layers for name in node.input if name in arrays]
    model = keras.Sequential(
        [
            keras.Input((10_000,)),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(46, activation="softmax"),
        ]
    )
    model.set_weights(weights)
    return model


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False)
