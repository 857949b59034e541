"""Servicers over a real connection, on a catalog that the test can reach into."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import grpc

from alservice.auth.allow_loopback import AllowLoopback
from alservice.ports.catalog import Catalog
from alservice.rpc.interceptor import Interceptor
from alservice.rpc.lanes import Lanes
from alservice.rpc.runner import Runner
from alservice.rpc.server import RpcServer, Service
from alservice.storage.catalog.sqlite import SqliteCatalog
from alservice.wiring import Wiring

T = TypeVar("T")
PATIENCE_S = 60


@dataclass
class Inside:
    """A running server, and what it stores in. No worker runs: operations stay as they are."""

    loop: asyncio.AbstractEventLoop
    rpc: RpcServer
    catalog: Catalog
    channel: grpc.Channel

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What the coroutine returns, run in the server's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE_S)


@contextlib.contextmanager
def serving(
    loop: asyncio.AbstractEventLoop,
    folder: Path,
    servicer: type,
    add: Callable[[Any, Any], None],
) -> Iterator[Inside]:
    """A server of one servicer, which is made from the types of its fields."""
    catalog, lanes = SqliteCatalog(folder), Lanes(16)
    made = Wiring({Runner: Runner(lanes), Catalog: catalog}).make(servicer)

    async def start() -> tuple[RpcServer, str]:
        services = [Service("inside", lambda server: add(made, server))]
        rpc = RpcServer(services, Interceptor(AllowLoopback()))
        address = rpc.bind("127.0.0.1:0", None)
        await rpc.start()
        return rpc, address

    rpc, address = asyncio.run_coroutine_threadsafe(start(), loop).result(PATIENCE_S)
    with grpc.insecure_channel(address) as channel:
        inside = Inside(loop, rpc, catalog, channel)
        try:
            yield inside
        finally:
            inside.run(rpc.stop(0))
            lanes.close()
            catalog.close()
