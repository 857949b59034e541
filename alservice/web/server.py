"""uvicorn in an event loop that is not its own: it binds early, and leaves signals alone."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from alservice.domain.startup import StartupError

STOP_S = 3


class HttpServer:
    """Serves one application on one address. For one event loop."""

    def __init__(self, address: str) -> None:
        """Take the address (`host:port`). Raises StartupError."""
        self._socket = _listen(address)
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """The address with the port that was given."""
        host, port = self._socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def start(self, app: ASGIApp) -> None:
        """Serve. What arrives before uvicorn is up waits in the socket's queue."""
        config = uvicorn.Config(
            app,
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=STOP_S,
        )
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve([self._socket]))

    async def stop(self) -> None:
        """Finish what was begun and close the port."""
        if self._server and self._task:
            self._server.should_exit = True
            await self._task
        self._socket.close()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to whoever runs the loop."""
        yield


def _listen(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, int(port)))
        listener.listen()  # without it, two can bind the same port
    except OSError as error:
        listener.close()
        text = f"cannot listen on {address} for HTTP: {error.strerror}; choose another with --http"
        raise StartupError(text) from error
    listener.setblocking(False)  # noqa: FBT003
    return listener
