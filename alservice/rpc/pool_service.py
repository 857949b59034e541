"""PoolService: parse, call, render."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from google.longrunning import operations_pb2

from alservice.api.v1 import pool_service_pb2 as pb
from alservice.api.v1 import pool_service_pb2_grpc as pb_grpc
from alservice.rpc import pool_messages as messages
from alservice.rpc.context import Context
from alservice.rpc.import_messages import parse_import
from alservice.rpc.item_messages import render_item
from alservice.rpc.operation_messages import render_operation
from alservice.rpc.pool_index_messages import parse_build_index
from alservice.rpc.runner import Lane, Runner
from alservice.rpc.upload_stream import UploadStream
from alservice.usecases.add_items import AddItems
from alservice.usecases.batch_add_items import BatchAddItems
from alservice.usecases.build_index import BuildIndex
from alservice.usecases.delete_items import DeleteItems
from alservice.usecases.get_item import GetItem
from alservice.usecases.get_upload import GetUpload
from alservice.usecases.import_items import ImportItems
from alservice.usecases.list_items import ListItems
from alservice.usecases.update_items import UpdateItems


@dataclass(frozen=True, kw_only=True)
class PoolServicer(pb_grpc.PoolServiceServicer):
    """Serves alservice.api.v1.PoolService."""

    run: Runner
    add_items: AddItems
    batch_add_items: BatchAddItems
    import_items: ImportItems
    get_upload: GetUpload
    get_item: GetItem
    list_items: ListItems
    update_items: UpdateItems
    delete_items: DeleteItems
    build_index: BuildIndex

    async def AddItems(
        self, request_iterator: AsyncIterator[pb.AddItemsRequest], context: Context
    ) -> pb.AddItemsResponse:
        """Upload any number of items."""
        async with UploadStream(self.run, self.add_items, context) as upload:
            async for message in request_iterator:
                await upload.take(message)
            return messages.render_added(await upload.finish())

    async def BatchAddItems(
        self, request: pb.BatchAddItemsRequest, context: Context
    ) -> pb.BatchAddItemsResponse:
        """Upload a few items in one call."""
        command = messages.parse_batch_add(request)
        result = await self.run(request, context, Lane.WRITE, self.batch_add_items, command)
        return pb.BatchAddItemsResponse(result=messages.render_added(result))

    async def ImportItems(
        self, request: pb.ImportItemsRequest, context: Context
    ) -> operations_pb2.Operation:
        """Queue the import of a file."""
        command = parse_import(request)
        operation = await self.run(request, context, Lane.WRITE, self.import_items, command)
        return render_operation(operation, None, command.project_id)

    async def GetUpload(
        self, request: pb.GetUploadRequest, context: Context
    ) -> pb.GetUploadResponse:
        """How far an upload has come."""
        command = messages.parse_get_upload(request)
        progress = await self.run(request, context, Lane.READ, self.get_upload, command)
        return messages.render_upload(progress)

    async def GetItem(self, request: pb.GetItemRequest, context: Context) -> pb.GetItemResponse:
        """One item."""
        command = messages.parse_get(request)
        item = await self.run(request, context, Lane.READ, self.get_item, command)
        return pb.GetItemResponse(item=render_item(item))

    async def ListItems(
        self, request: pb.ListItemsRequest, context: Context
    ) -> pb.ListItemsResponse:
        """The items, in the order of the hash of their ids."""
        command = messages.parse_list(request)
        page = await self.run(request, context, Lane.READ, self.list_items, command)
        return messages.render_page(page)

    async def UpdateItems(
        self, request: pb.UpdateItemsRequest, context: Context
    ) -> pb.UpdateItemsResponse:
        """Change what items carry beside their vectors."""
        command = messages.parse_update(request)
        updated = await self.run(request, context, Lane.WRITE, self.update_items, command)
        return messages.render_updated(updated)

    async def DeleteItems(
        self, request: pb.DeleteItemsRequest, context: Context
    ) -> pb.DeleteItemsResponse:
        """Remove items."""
        command = messages.parse_delete(request)
        deleted = await self.run(request, context, Lane.WRITE, self.delete_items, command)
        return messages.render_deleted(deleted)

    async def BuildIndex(
        self, request: pb.BuildIndexRequest, context: Context
    ) -> operations_pb2.Operation:
        """Queue the building of an index."""
        command = parse_build_index(request)
        operation = await self.run(request, context, Lane.WRITE, self.build_index, command)
        return render_operation(operation, None, command.project_id)
