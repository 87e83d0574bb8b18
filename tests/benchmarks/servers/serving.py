"""Runs an application exactly as ``python -m service`` runs ours."""

from typing import Any

import uvicorn

from service.__main__ import server_config
from service.settings import ServiceSettings


def serve(app: Any, port: int) -> None:
    """Serve until told to stop."""
    uvicorn.Server(server_config(app, ServiceSettings(port=port))).run()
