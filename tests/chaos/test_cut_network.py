"""A replica that is cut off from the database is replaced, and does no harm when it comes back."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import grpc
import pytest

from tests.chaos.network import Network, network
from tests.chaos.two_replicas import ends_once, is_at, labelled, replica, row, simulated, submit
from tests.deploy.servers import until
from tests.e2e.api import PATIENCE_S
from tests.e2e.wire import info_of
from tests.postgres.server import PostgresServer, new_server

CALLER_S: Final = 30  # what callers have patience for


@pytest.fixture
def net() -> Iterator[Network]:
    with network() as made:
        yield made


@pytest.fixture
def database(net: Network) -> Iterator[PostgresServer]:
    with new_server(listen=net.database) as made:
        yield made


def test_a_replica_without_its_database_is_replaced_and_does_no_harm_later(
    net: Network, database: PostgresServer, tmp_path: Path
) -> None:
    inside = (f"{net.inside}:50051", "--http", f"{net.inside}:8080", "--insecure")
    through = ("--catalog", database.dsn("postgres", host=net.database), "--listen", *inside)
    # For both a caller is anybody: on loopback it would be somebody else's request_id.
    open_to_all = ("--listen", f"{net.outside}:0", "--insecure")
    with (
        replica(database, tmp_path, "far", *through, prefix=net.prefix) as far,
        ThreadPoolExecutor(1) as threads,
    ):
        project = simulated(far)
        until(lambda: is_at(far, database))
        with replica(database, tmp_path, "near", *open_to_all) as near:
            net.cut()
            answer = threads.submit(submit, far, project, CALLER_S)
            until(lambda: is_at(near, database))
            error = answer.exception(PATIENCE_S)
            assert isinstance(error, grpc.RpcError)
            assert info_of(error).reason == "ERROR_REASON_CATALOG_UNAVAILABLE"
            assert submit(near, project) == ["RECORDED"]
            net.mend()
            assert submit(far, project) == ["RECORDED"]  # the answer of before
            assert row(database)[0] == 2
            ends_once(database, near, far)
            logs = [labelled(each, project) for each in (near, far)]
            assert logs[0] == logs[1] and logs[0].count("i-70") == 1
            assert (far.terminate(), near.terminate()) == (0, 0)
