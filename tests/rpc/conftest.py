"""Servers for tests: the real one in another process, and the bare edge in this one."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from tests.running_server import RunningServer, running_server

__all__ = ["RunningServer", "running_server"]


@pytest.fixture(scope="session")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `server` imports from."""
    return tmp_path_factory.mktemp("inbox")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, inbox: Path) -> Iterator[RunningServer]:
    """One server for all tests; use project ids of your own."""
    folder = tmp_path_factory.mktemp("server") / "data"
    with running_server(folder, "--import-roots", str(inbox)) as running:
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
