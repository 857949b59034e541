"""The least that an upload can cost: a grpc.aio server that parses each message and drops it.

Run as a program: prints its address, serves until it is killed.
"""

import asyncio
from collections.abc import AsyncIterator

import grpc.aio

from alservice.api.v1 import pool_service_pb2 as pb
from alservice.api.v1 import pool_service_pb2_grpc as pb_grpc


class Drain(pb_grpc.PoolServiceServicer):
    """Takes everything, keeps nothing."""

    async def AddItems(
        self, request_iterator: AsyncIterator[pb.AddItemsRequest], context: object
    ) -> pb.AddItemsResponse:
        """Count the messages."""
        count = 0
        async for _ in request_iterator:
            count += 1
        return pb.AddItemsResponse(added_count=count)


async def main() -> None:
    """Serve."""
    server = grpc.aio.server()
    pb_grpc.add_PoolServiceServicer_to_server(Drain(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main())
