"""The HTTP service, and the model that it serves."""

__version__ = "0.2.0"
