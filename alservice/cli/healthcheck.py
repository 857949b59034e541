"""`alservice healthcheck`: is a server serving? For containers and scripts."""

from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Annotated, Final

import grpc
import typer
from grpc_health.v1 import health_pb2, health_pb2_grpc

from alservice.cli.connect import DEFAULT_ADDRESS, Address, Tls, TlsCa
from alservice.cli.failure import Failure

_OK: Final = 200


def healthcheck(
    address: Address = DEFAULT_ADDRESS,
    tls: Tls = False,
    tls_ca: TlsCa = None,
    http: Annotated[
        str | None, typer.Option(help="Ask the HTTP port at this host:port: it needs no TLS.")
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait.")] = 5.0,
) -> None:
    """Exit with 0 if the server is serving, with 1 if not."""
    if http is None:
        _ask(address, timeout, tls_ca, secure=tls or tls_ca is not None)
    else:
        _ask_http(http, timeout)
    typer.echo(f"{http or address} is SERVING")


COMMAND = healthcheck


def _ask(address: str, timeout: float, tls_ca: Path | None, *, secure: bool) -> None:
    with _channel(address, tls_ca, secure=secure) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=timeout
            )
        except grpc.RpcError as error:
            raise Failure(f"{address} does not answer: {error.details()}") from error
    name = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise Failure(f"{address} is {name}")


def _channel(address: str, tls_ca: Path | None, *, secure: bool) -> grpc.Channel:
    if not secure:
        return grpc.insecure_channel(address)
    roots = None if tls_ca is None else tls_ca.read_bytes()
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(roots))


def _ask_http(address: str, timeout: float) -> None:
    # Not urllib: it would go through the proxy that the environment names.
    try:
        with closing(HTTPConnection(address, timeout=timeout)) as connection:
            connection.request("GET", "/healthz")
            status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        raise Failure(f"{address} does not answer: {error}") from error
    if status != _OK:
        raise Failure(f"{address} answers GET /healthz with {status}")
