"""The Open Inference Protocol, V2: what KServe, Triton and their clients speak, over HTTP.

The same texts, predictions and limits as ``POST /classify/batch``, in another form.
"""

from service.api.open_inference.model import TensorModel
from service.api.open_inference.routes import open_inference_routes

__all__ = ["TensorModel", "open_inference_routes"]
