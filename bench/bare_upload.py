"""The least that an upload can cost: a grpc.aio server that parses each message and drops it.

Run as a program: prints its address, serves until it is killed.
"""

import asyncio
from collections.abc import AsyncIterator

import grpc

from alservice.api.v1 import pool_service_pb2 as pb
from bench.bare import serve


async def drain(
    request_iterator: AsyncIterator[pb.AddItemsRequest], _context: object
) -> pb.AddItemsResponse:
    """Count the messages."""
    count = 0
    async for _ in request_iterator:
        count += 1
    return pb.AddItemsResponse(added_count=count)


HANDLER = grpc.stream_unary_rpc_method_handler(
    drain,
    request_deserializer=pb.AddItemsRequest.FromString,
    response_serializer=pb.AddItemsResponse.SerializeToString,
)

if __name__ == "__main__":
    asyncio.run(serve("alservice.api.v1.PoolService", {"AddItems": HANDLER}))
