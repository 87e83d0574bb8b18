"""The HTTP server: uvicorn with time limits, bounded buffers and graceful draining."""
