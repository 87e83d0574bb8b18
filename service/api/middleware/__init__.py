"""ASGI middleware: authentication, CORS, instrumentation, pacing."""
