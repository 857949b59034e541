"""One gRPC channel and the stubs on it: every call gets retries, a deadline and plain errors."""

import ipaddress
import math
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol, TypeVar

import grpc
from google.longrunning import operations_pb2_grpc

from alservice.api.v1 import pool_service_pb2
from alservice.api.v1.active_learning_service_pb2_grpc import ActiveLearningServiceStub
from alservice.api.v1.insight_service_pb2_grpc import InsightServiceStub
from alservice.api.v1.model_service_pb2_grpc import ModelServiceStub
from alservice.api.v1.pool_service_pb2_grpc import PoolServiceStub
from alservice.api.v1.project_service_pb2_grpc import ProjectServiceStub
from alservice.api.v1.strategy_service_pb2_grpc import StrategyServiceStub
from alservice.client.errors import ServiceError, failure_of
from alservice.client.patience import Patience
from alservice.client.progress import is_watched
from alservice.client.service_config import SERVICE_CONFIG
from alservice.client.targets import hosts_of, target_of

MAX_RECEIVE_BYTES: Final = 64 << 20  # a page of items with contents can pass gRPC's 4 MiB
OPTIONS: Final[Sequence[tuple[str, str | int]]] = (
    ("grpc.service_config", SERVICE_CONFIG),
    ("grpc.max_receive_message_length", MAX_RECEIVE_BYTES),
    # Notice a peer that vanished without a word within 40 s, but only while a call is running.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.max_pings_without_data", 0),
    # A restarted server is found again within a second or two, not after gRPC's two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)

FIRST_CONTACT_S: Final = 5.0  # for a server that never answered: the address may be wrong
QUIET_S: Final = 2.0  # before a person is told what they are waiting for

RequestT_contra = TypeVar("RequestT_contra", contravariant=True)
ResponseT = TypeVar("ResponseT")
ResponseT_co = TypeVar("ResponseT_co", covariant=True)


class Method(Protocol[RequestT_contra, ResponseT_co]):
    """A unary method of a stub."""

    def __call__(
        self,
        request: RequestT_contra,
        /,
        timeout: float | None = None,
        metadata: tuple[tuple[str, str | bytes], ...] | None = None,
    ) -> ResponseT_co:
        """Calls, waits, answers. Raises grpc.RpcError."""


def fresh_id() -> str:
    """An id for one request or upload: the same in each attempt, never used again."""
    return uuid.uuid4().hex


class Connection:
    """A channel to `address`, by default for calls of at most `timeout_s` seconds.

    `address` is `host:port`, a gRPC target, or several `host:port` with commas between them.
    Calls take turns among all servers that are found there. Raises ValueError.
    """

    def __init__(
        self,
        address: str,
        *,
        token: str | None = None,
        timeout_s: float = 60,
        tls: bool = False,
        ca_file: str | Path | None = None,
        shown: bool | None = None,
    ) -> None:
        secure = tls or ca_file is not None
        if token is not None and not secure and not _is_local(address):
            raise ValueError(f"refusing to send the token to {address} unencrypted: pass tls=True")
        self.address, self.timeout_s = address, timeout_s
        self._shown, self._reached, self._noted = shown, False, False
        self.metadata = (("authorization", f"Bearer {token}"),) if token is not None else ()
        self._channel = _channel(target_of(address, secure=secure), ca_file, secure=secure)
        self.learning = ActiveLearningServiceStub(self._channel)
        self.projects = ProjectServiceStub(self._channel)
        self.pool = PoolServiceStub(self._channel)
        self.add_items = _add_items(self._channel)
        self.models = ModelServiceStub(self._channel)
        self.insight = InsightServiceStub(self._channel)
        self.strategies = StrategyServiceStub(self._channel)
        self.operations = operations_pb2_grpc.OperationsStub(self._channel)

    def close(self) -> None:
        """Ends all calls and the connection."""
        self._channel.close()

    def call(
        self,
        method: Method[RequestT_contra, ResponseT],
        request: RequestT_contra,
        timeout_s: float | None = None,
    ) -> ResponseT:
        """The answer to `request`, after as many attempts as fit into the time.

        Safe for calls that change something, as long as `request` carries a request_id: each
        attempt sends the same message. As long as no server was ever reached, the attempts end
        after FIRST_CONTACT_S. Raises ServiceError.
        """
        patience = Patience(self.timeout_s if timeout_s is None else timeout_s)
        while True:
            try:
                answer = method(request, timeout=patience.remaining_s(), metadata=self.metadata)
            except grpc.RpcError as error:
                failure = failure_of(error, self.address)
            else:
                self._reached, self._noted = True, False
                return answer
            patience.pause(failure, self._within_s(failure, patience.spent_s()))

    def _within_s(self, failure: ServiceError, spent_s: float) -> float:
        """How long to go on after such a failure; tells a person, once, why it takes so long."""
        if failure.reason:
            self._reached = True
        if failure.reason or failure.code is not grpc.StatusCode.UNAVAILABLE:
            return math.inf
        if spent_s > QUIET_S and not self._noted and is_watched(self._shown):
            self._noted = True
            sys.stderr.write(f"waiting for the server at {self.address}…\n")
        return math.inf if self._reached else FIRST_CONTACT_S


def _add_items(
    channel: grpc.Channel,
) -> "grpc.StreamUnaryMultiCallable[bytes, pool_service_pb2.AddItemsResponse]":
    """PoolService.AddItems for messages that are bytes already."""
    service = pool_service_pb2.DESCRIPTOR.services_by_name["PoolService"].full_name
    return channel.stream_unary(
        f"/{service}/AddItems",
        request_serializer=None,
        response_deserializer=pool_service_pb2.AddItemsResponse.FromString,
    )


def _channel(target: str, ca_file: str | Path | None, *, secure: bool) -> grpc.Channel:
    if not secure:
        return grpc.insecure_channel(target, options=OPTIONS)
    roots = Path(ca_file).read_bytes() if ca_file is not None else None
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(roots), options=OPTIONS)


def _is_local(address: str) -> bool:
    """Whether `address` (`host:port`, `[::1]:port`, `unix:path`, a list) stays on this machine."""
    return address.startswith("unix:") or all(map(_is_loopback, hosts_of(address)))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
