"""The Open Inference Protocol, V2: what KServe, Triton and their clients speak, over HTTP.

Same texts, same answers, same limits as ``POST /classify/batch``; only their form is another.
"""

from service.api.open_inference.model import ServedModel
from service.api.open_inference.routes import open_inference_routes

__all__ = ["ServedModel", "open_inference_routes"]
