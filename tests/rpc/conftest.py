"""Servers for tests: the real one in another process, and the bare edge in this one."""

import asyncio
import threading
from collections.abc import Iterator

import grpc
import pytest

from tests.running_server import RunningServer, running_server

__all__ = ["RunningServer", "running_server"]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for all tests; use project ids of your own."""
    with running_server(tmp_path_factory.mktemp("server") / "data") as running:
        yield running


@pytest.fixture(scope="session")
def channel(server: RunningServer) -> grpc.Channel:
    """A channel to `server`."""
    return server.channel


@pytest.fixture(scope="session")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The one event loop for servers in this process: grpc.aio dislikes a second."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
