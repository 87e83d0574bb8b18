"""Stopping so that no request is lost: first not ready, then closed, then gone."""

import asyncio
from typing import Final

import uvicorn

TICK_SECONDS: Final = 0.1


class Readiness:
    """Whether the service wants new requests. Its port opens when it does."""

    def __init__(self) -> None:
        self.ready = True

    def withdraw(self) -> None:
        """Say from now on that it does not."""
        self.ready = False


class DrainingServer(uvicorn.Server):
    """A server that goes on for a while when it is told to stop, saying that it is not ready.

    Whoever shares requests out learns of it in that time, and sends no more. What comes all the
    same is answered. After that uvicorn closes the port, and finishes what is in progress.

    Parameters
    ----------
    config : uvicorn.Config
    readiness : Readiness
        What the health check says.
    drain_seconds : float
        How long to go on. Told a second time by SIGINT, it stops at once.
    """

    def __init__(
        self, config: uvicorn.Config, readiness: Readiness, *, drain_seconds: float
    ) -> None:
        super().__init__(config)
        self._readiness = readiness
        self._drain_seconds = drain_seconds

    async def main_loop(self) -> None:
        """Serve until told to stop, and then until drained."""
        await super().main_loop()
        self._readiness.withdraw()
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._drain_seconds
        while loop.time() < ends and not self.force_exit:
            await asyncio.sleep(min(TICK_SECONDS, max(0.0, ends - loop.time())))
