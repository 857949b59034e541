"""The edge alone, in this process, with handlers that tests make up: trouble on demand."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from alservice.api.v1 import active_learning_service_pb2 as pb
from alservice.auth.allow_loopback import AllowLoopback
from alservice.ports.authenticator import Authenticator
from alservice.rpc.interceptor import Interceptor
from alservice.rpc.lanes import Lane, Lanes
from alservice.rpc.runner import Runner
from alservice.rpc.server import RpcServer, Service

T = TypeVar("T")
D = TypeVar("D", bound=Message)
SERVICE = "test.Probe"
PATIENCE_S = 60


@dataclass
class Edge:
    """A running edge."""

    loop: asyncio.AbstractEventLoop
    rpc: RpcServer
    interceptor: Interceptor
    lanes: Lanes
    runner: Runner
    channel: grpc.Channel

    def method(self, shape: str = "unary_unary", name: str = "Do") -> Any:
        """The client's side of a made-up method."""
        make = getattr(self.channel, shape)
        return make(
            f"/{SERVICE}/{name}", pb.QueryRequest.SerializeToString, StringValue.FromString
        )

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What the coroutine returns, run in the server's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE_S)

    def metrics(self) -> str:
        """The exposition format of Prometheus."""
        return self.interceptor.metrics.text().decode()


def handler(behaviour: Callable[..., Any], shape: str = "unary_unary") -> Any:
    """A handler of QueryRequest that answers with StringValue."""
    make = getattr(grpc, f"{shape}_rpc_method_handler")
    return make(behaviour, pb.QueryRequest.FromString, StringValue.SerializeToString)


@contextlib.contextmanager
def edge(
    loop: asyncio.AbstractEventLoop,
    methods: Callable[[Runner], dict[str, Any]],
    authenticator: Authenticator | None = None,
    waiting: int = 16,
    threads: int = 2,
) -> Iterator[Edge]:
    """An edge that serves the methods of `test.Probe`."""
    lanes = Lanes(waiting, dict.fromkeys(Lane, threads))
    runner = Runner(lanes)
    interceptor = Interceptor(authenticator or AllowLoopback())
    generic = grpc.method_handlers_generic_handler(SERVICE, methods(runner))

    async def start() -> tuple[RpcServer, str]:
        service = Service(SERVICE, lambda server: server.add_generic_rpc_handlers([generic]))
        server = RpcServer([service], interceptor)
        address = server.bind("127.0.0.1:0", None)
        await server.start()
        return server, address

    rpc, address = asyncio.run_coroutine_threadsafe(start(), loop).result(PATIENCE_S)
    with grpc.insecure_channel(address) as channel:
        running = Edge(loop, rpc, interceptor, lanes, runner, channel)
        try:
            yield running
        finally:
            running.run(rpc.stop(0))
            lanes.close()


def failure(call: Callable[..., object], *arguments: object) -> Any:
    """How `call` fails: a grpc.RpcError, which is also a grpc.Call."""
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments)
    return caught.value


def status(error: Any) -> status_pb2.Status:
    """The google.rpc.Status of a failure."""
    found = rpc_status.from_call(error)
    assert found is not None
    return found


def detail(error: Any, kind: type[D]) -> D:
    """The one detail of this kind."""
    (packed,) = [d for d in status(error).details if d.Is(kind.DESCRIPTOR)]
    found = kind()
    packed.Unpack(found)
    return found


def reason(error: Any) -> str:
    """The reason in its ErrorInfo."""
    return str(detail(error, error_details_pb2.ErrorInfo).reason)
