"""`alservice healthcheck`: is a server serving? For containers and scripts."""

from pathlib import Path
from typing import Annotated

import grpc
import typer
from grpc_health.v1 import health_pb2, health_pb2_grpc

from alservice.cli.connect import DEFAULT_ADDRESS, Address, Tls, TlsCa
from alservice.cli.failure import Failure


def healthcheck(
    address: Address = DEFAULT_ADDRESS,
    tls: Tls = False,
    tls_ca: TlsCa = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait.")] = 5.0,
) -> None:
    """Exit with 0 if the server is serving, with 1 if not."""
    with _channel(address, tls_ca, secure=tls or tls_ca is not None) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=timeout
            )
        except grpc.RpcError as error:
            raise Failure(f"{address} does not answer: {error.details()}") from error
    name = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise Failure(f"{address} is {name}")
    typer.echo(f"{address} is {name}")


COMMAND = healthcheck


def _channel(address: str, tls_ca: Path | None, *, secure: bool) -> grpc.Channel:
    if not secure:
        return grpc.insecure_channel(address)
    roots = None if tls_ca is None else tls_ca.read_bytes()
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(roots))
