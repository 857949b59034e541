"""TLS, and callers who are known by their certificates.

The keys in `certificates/` were made for these tests; the key of their CA was thrown away.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from alservice.api.v1 import strategy_service_pb2, strategy_service_pb2_grpc
from tests.rpc.edge import PATIENCE_S, failure
from tests.running_server import RunningServer, running_server

FOLDER = Path(__file__).parent / "certificates"
FLAGS = {"--tls-cert": "server.pem", "--tls-key": "server.key.pem", "--tls-client-ca": "ca.pem"}


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    flags = [part for name, file in FLAGS.items() for part in (name, str(FOLDER / file))]
    with running_server(tmp_path_factory.mktemp("tls") / "data", *flags) as running:
        yield running


def list_strategies(
    server: RunningServer, *files: str
) -> strategy_service_pb2.ListStrategiesResponse:
    """Ask over TLS, with the key and certificate in `files`."""
    own: list[Any] = [(FOLDER / file).read_bytes() for file in files] or [None, None]
    trusted = (FOLDER / "ca.pem").read_bytes()
    with grpc.secure_channel(
        server.address, grpc.ssl_channel_credentials(trusted, *own)
    ) as channel:
        stub = strategy_service_pb2_grpc.StrategyServiceStub(channel)
        return stub.ListStrategies(
            strategy_service_pb2.ListStrategiesRequest(), timeout=PATIENCE_S
        )


def test_a_caller_with_a_certificate_is_known_by_its_name(tls_server: RunningServer) -> None:
    assert list_strategies(tls_server, "client.key.pem", "client.pem").strategies
    log = (tls_server.folder.parent / "data.log").read_text()
    assert '"principal": "ada"' in log


def test_a_caller_without_a_certificate_gets_no_connection(tls_server: RunningServer) -> None:
    assert failure(list_strategies, tls_server).code() is grpc.StatusCode.UNAVAILABLE


def test_a_caller_without_tls_gets_no_connection(tls_server: RunningServer) -> None:
    stub = strategy_service_pb2_grpc.StrategyServiceStub(tls_server.channel)
    request = strategy_service_pb2.ListStrategiesRequest()
    error = failure(lambda: stub.ListStrategies(request, timeout=PATIENCE_S))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
