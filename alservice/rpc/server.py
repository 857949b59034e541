"""The gRPC server: one event loop, health and reflection, and a drain that loses nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from alservice.domain.address import is_unix
from alservice.domain.startup import StartupError
from alservice.rpc.interceptor import Interceptor
from alservice.rpc.reflection import add_reflection

HEALTH: Final = health.SERVICE_NAME
LAST_STREAMS_S: Final = 1.0  # for last answers on their way, and health watchers, which never end

OPTIONS: Final = (
    ("grpc.so_reuseport", 0),  # a second server on the port must fail, not share it
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
)


@dataclass(frozen=True, slots=True)
class Tls:
    """Paths of PEM files; with `client_ca`, callers must show a certificate signed by it."""

    certificate: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A proto service by its full name, and how its servicer is added to a server."""

    name: str
    add: Callable[[grpc.aio.Server], None]


class RpcServer:
    """Serves `services` on one address. For one event loop."""

    def __init__(self, services: Sequence[Service], interceptor: Interceptor) -> None:
        self.interceptor = interceptor
        self.services = services
        self.health = health.aio.HealthServicer()
        self._server = grpc.aio.server(interceptors=[interceptor], options=OPTIONS)
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self._server)
        for service in services:
            service.add(self._server)
        add_reflection(self._server, [*self._names, HEALTH])

    @property
    def _names(self) -> list[str]:
        return [service.name for service in self.services]

    def bind(self, address: str, tls: Tls | None) -> str:
        """Take the address; returns it with the port that was given. Raises StartupError."""
        try:
            port = self._bind(address, tls)
        except RuntimeError as error:
            text = f"cannot listen on {address}: is another server running there? ({error})"
            raise StartupError(text) from error
        return address if is_unix(address) else f"{address.rpartition(':')[0]}:{port}"

    def _bind(self, address: str, tls: Tls | None) -> int:
        if tls is None:
            return self._server.add_insecure_port(address)
        return self._server.add_secure_port(address, _credentials(tls))

    async def start(self) -> None:
        """Serve, and say so to whoever asks for health."""
        await self._server.start()
        for name in self._names:
            await self.health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, grace_s: float) -> bool:
        """Say NOT_SERVING, refuse new calls, wait for those that run, then close the port.

        Calls that run longer than `grace_s` seconds are interrupted. Returns whether all ended.
        """
        await self.health.enter_graceful_shutdown()
        ended = await self.interceptor.in_flight.drain(grace_s)
        await self._server.stop(LAST_STREAMS_S)
        return ended


def _credentials(tls: Tls) -> grpc.ServerCredentials:
    client_ca = _read(tls.client_ca) if tls.client_ca else None
    return grpc.ssl_server_credentials(
        [(_read(tls.key), _read(tls.certificate))],
        root_certificates=client_ca,
        require_client_auth=client_ca is not None,
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StartupError(f"cannot read {path}: {error.strerror}") from error
