"""One server for all tests of the client, and a client of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import alservice
from tests.running_server import RunningServer, running_server


@pytest.fixture(scope="session")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `server` imports from."""
    return tmp_path_factory.mktemp("inbox")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, inbox: Path) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("client-server") / "data"
    with running_server(folder, "--import-roots", str(inbox)) as running:
        yield running


@pytest.fixture(scope="session")
def client(server: RunningServer) -> Iterator[alservice.Client]:
    with alservice.Client(server.address) as client:
        yield client
