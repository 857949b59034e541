"""google.longrunning.Operations: parse, call, render."""

import asyncio
from dataclasses import dataclass, field
from functools import partial

from google.longrunning import operations_pb2 as pb
from google.longrunning import operations_pb2_grpc as pb_grpc
from google.protobuf.empty_pb2 import Empty

from alservice.rpc import operation_messages as messages
from alservice.rpc.context import Context
from alservice.rpc.runner import Lane, Runner
from alservice.rpc.waiting import few_looks, parse_wait, until_done
from alservice.usecases.cancel_operation import CancelOperation
from alservice.usecases.delete_operation import DeleteOperation
from alservice.usecases.get_operation import GetOperation
from alservice.usecases.list_operations import ListOperations


@dataclass(frozen=True, kw_only=True)
class OperationsServicer(pb_grpc.OperationsServicer):  # type: ignore[misc]
    """Serves google.longrunning.Operations."""

    run: Runner
    get_operation: GetOperation
    list_operations: ListOperations
    cancel_operation: CancelOperation
    delete_operation: DeleteOperation
    looks: asyncio.Semaphore = field(default_factory=few_looks)

    async def GetOperation(
        self, request: pb.GetOperationRequest, context: Context
    ) -> pb.Operation:
        """How far an operation has come."""
        command = messages.parse_get(request)
        view = await self.run(request, context, Lane.READ, self.get_operation, command)
        return messages.render_view(view)

    async def ListOperations(
        self, request: pb.ListOperationsRequest, context: Context
    ) -> pb.ListOperationsResponse:
        """The operations of a project, newest first."""
        command = messages.parse_list(request)
        page = await self.run(request, context, Lane.READ, self.list_operations, command)
        operations = map(messages.render_listed, page.rows)
        return pb.ListOperationsResponse(operations=operations, next_page_token=page.next_token)

    async def CancelOperation(self, request: pb.CancelOperationRequest, context: Context) -> Empty:
        """Ask an operation to stop."""
        command = messages.parse_cancel(request)
        await self.run(request, context, Lane.WRITE, self.cancel_operation, command)
        return Empty()

    async def DeleteOperation(self, request: pb.DeleteOperationRequest, context: Context) -> Empty:
        """Forget a done operation."""
        command = messages.parse_delete(request)
        await self.run(request, context, Lane.WRITE, self.delete_operation, command)
        return Empty()

    async def WaitOperation(
        self, request: pb.WaitOperationRequest, context: Context
    ) -> pb.Operation:
        """The operation once it is done, or as it is when the time is up."""
        command = messages.parse_get(request)
        timeout_s = parse_wait(request, context)
        look = partial(self.run, request, context, Lane.READ, self.get_operation, command)
        return messages.render_view(await until_done(look, timeout_s, self.looks))
