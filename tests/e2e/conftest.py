"""One real server for all tests that leave it in peace; use project ids of your own."""

from collections.abc import Iterator

import pytest

from tests.e2e.api import Api
from tests.running_server import RunningServer, running_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("e2e") / "data") as running:
        yield running


@pytest.fixture
def api(server: RunningServer) -> Api:
    return Api(server.channel)
