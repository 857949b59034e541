"""A grpc.aio server with nothing round it: what the yardsticks are served by."""

from typing import Any

import grpc
import grpc.aio


async def serve(service: str, handlers: "dict[str, grpc.RpcMethodHandler[Any, Any]]") -> None:
    """Print the address, then serve until the process is killed."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()
