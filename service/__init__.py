"""The HTTP service, and the model that it serves."""
