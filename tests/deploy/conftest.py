"""Two servers that tests leave in peace, on folders of their own: one can tell them apart."""

from collections.abc import Iterator

import pytest

from tests.deploy.servers import Pair, pair


@pytest.fixture(scope="session")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with pair(tmp_path_factory.mktemp("two")) as servers:
        yield servers
