"""One server for all tests of the client, and a client of it."""

from collections.abc import Iterator

import pytest

import alservice
from tests.running_server import RunningServer, running_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("client-server") / "data") as running:
        yield running


@pytest.fixture(scope="session")
def client(server: RunningServer) -> Iterator[alservice.Client]:
    with alservice.Client(server.address) as client:
        yield client
