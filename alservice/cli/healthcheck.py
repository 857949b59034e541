"""`alservice healthcheck`: is a server serving? For containers and scripts."""

from pathlib import Path
from typing import Annotated

import grpc
import typer
from grpc_health.v1 import health_pb2, health_pb2_grpc

from alservice.cli.failure import Failure


def healthcheck(
    address: Annotated[
        str, typer.Option(envvar="ALSERVICE_ADDRESS", help="Where the server is.")
    ] = "127.0.0.1:50051",
    tls_ca: Annotated[
        Path | None, typer.Option(help="Speak TLS, and trust certificates signed by this, PEM.")
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait.")] = 5.0,
) -> None:
    """Exit with 0 if the server is serving, with 1 if not."""
    with _channel(address, tls_ca) as channel:
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


def _channel(address: str, tls_ca: Path | None) -> grpc.Channel:
    if tls_ca is None:
        return grpc.insecure_channel(address)
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(tls_ca.read_bytes()))
