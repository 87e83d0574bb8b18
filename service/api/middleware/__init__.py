"""ASGI middleware: authentication, CORS, instrumentation, fair queueing."""
