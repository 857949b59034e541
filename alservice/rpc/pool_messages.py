"""The requests and answers of PoolService, to the words of the use cases and back."""

from collections.abc import Mapping
from typing import Final

from alservice.api.v1 import pool_service_pb2 as pb
from alservice.domain.errors import InvalidField
from alservice.domain.item import AddResult, Item, ItemBlock, OnConflict
from alservice.domain.names import parse_project
from alservice.domain.page import Page
from alservice.rpc.item_messages import (
    parse_attributes,
    parse_columns,
    parse_costs,
    parse_rows,
    render_item,
)
from alservice.usecases.add_items import UploadHeader
from alservice.usecases.batch_add_items import BatchAddItemsCommand
from alservice.usecases.delete_items import Deleted, DeleteItemsCommand
from alservice.usecases.get_item import GetItemCommand
from alservice.usecases.get_upload import GetUploadCommand, UploadProgress
from alservice.usecases.list_items import ListItemsCommand
from alservice.usecases.update_items import Updated, UpdateItemsCommand

MAX_UPLOAD_ID_BYTES: Final = 128
POLICIES: Final[Mapping[int, OnConflict]] = {
    pb.CONFLICT_POLICY_UNSPECIFIED: OnConflict.ERROR,
    pb.CONFLICT_POLICY_ERROR: OnConflict.ERROR,
    pb.CONFLICT_POLICY_SKIP: OnConflict.SKIP,
    pb.CONFLICT_POLICY_REPLACE: OnConflict.REPLACE,
}


def parse_header(header: pb.AddItemsHeader) -> UploadHeader:
    """The header. Raises InvalidName, InvalidField."""
    size = len(header.upload_id.encode())
    if size > MAX_UPLOAD_ID_BYTES:
        text = f"upload_id has {size} bytes; the most is {MAX_UPLOAD_ID_BYTES}"
        raise InvalidField(text, field="upload_id", limit=MAX_UPLOAD_ID_BYTES, got=size)
    project_id = parse_project(header.project)
    count = header.item_count if header.HasField("item_count") else None
    if count is not None and count < 0:
        raise InvalidField(f"item_count is {count}, below 0", field="item_count", got=count)
    return UploadHeader(project_id, header.upload_id, parse_policy(header.on_conflict), count)


def parse_policy(policy: int) -> OnConflict:
    """What to do with ids that exist. Raises InvalidField."""
    if policy not in POLICIES:
        text = f"there is no on_conflict {policy}; it is ERROR, SKIP or REPLACE"
        raise InvalidField(text, field="on_conflict", value=policy)
    return POLICIES[policy]


def parse_items(message: pb.ItemChunk | pb.BatchAddItemsRequest) -> ItemBlock:
    """The items of a message. Raises InvalidField, DimensionMismatch."""
    kind = message.WhichOneof("items")
    if kind == "columns":
        return parse_columns(message.columns)
    if kind == "rows":
        return parse_rows(message.rows)
    raise InvalidField("send items, either as `columns` or as `rows`", field="items")


def parse_batch_add(request: pb.BatchAddItemsRequest) -> BatchAddItemsCommand:
    """The command. Raises InvalidName, InvalidField, DimensionMismatch."""
    project_id, policy = parse_project(request.project), parse_policy(request.on_conflict)
    return BatchAddItemsCommand(project_id, parse_items(request), policy)


def parse_get_upload(request: pb.GetUploadRequest) -> GetUploadCommand:
    """The command. Raises InvalidName."""
    return GetUploadCommand(parse_project(request.project), request.upload_id)


def parse_get(request: pb.GetItemRequest) -> GetItemCommand:
    """The command. Raises InvalidName."""
    project_id = parse_project(request.project)
    return GetItemCommand(project_id, request.item_id, request.include_vector)


def parse_list(request: pb.ListItemsRequest) -> ListItemsCommand:
    """The command. Raises InvalidName."""
    return ListItemsCommand(
        project_id=parse_project(request.project),
        page_size=request.page_size,
        page_token=request.page_token,
        vectors=request.include_vectors,
    )


def parse_update(request: pb.UpdateItemsRequest) -> UpdateItemsCommand:
    """The command. Raises InvalidName, InvalidField."""
    return UpdateItemsCommand(
        project_id=parse_project(request.project),
        item_ids=tuple(item.item_id for item in request.items),
        costs=parse_costs(request.items),
        attributes=tuple(map(parse_attributes, request.items)),
        paths=tuple(request.update_mask.paths),
    )


def parse_delete(request: pb.DeleteItemsRequest) -> DeleteItemsCommand:
    """The command. Raises InvalidName."""
    return DeleteItemsCommand(parse_project(request.project), tuple(request.item_ids))


def render_added(result: AddResult) -> pb.AddItemsResponse:
    """The message."""
    return pb.AddItemsResponse(
        added_count=result.added,
        skipped_count=result.skipped,
        replaced_count=result.replaced,
        label_count=result.labels,
        revision=result.revision,
    )


def render_upload(progress: UploadProgress) -> pb.GetUploadResponse:
    """The message."""
    result = None if progress.result is None else render_added(progress.result)
    return pb.GetUploadResponse(received_item_count=progress.received, result=result)


def render_page(page: Page[Item]) -> pb.ListItemsResponse:
    """The message."""
    items = map(render_item, page.rows)
    return pb.ListItemsResponse(items=items, next_page_token=page.next_token)


def render_updated(updated: Updated) -> pb.UpdateItemsResponse:
    """The message."""
    return pb.UpdateItemsResponse(updated_count=updated.count, revision=updated.revision)


def render_deleted(deleted: Deleted) -> pb.DeleteItemsResponse:
    """The message."""
    return pb.DeleteItemsResponse(
        deleted_count=deleted.deleted,
        missing_count=deleted.missing,
        revision=deleted.revision,
    )
