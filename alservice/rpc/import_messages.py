"""ImportItems and what comes of it, to the words of the use case and back."""

from typing import Any

from alservice.api.v1 import pool_service_pb2 as pb
from alservice.domain.item import AddResult
from alservice.domain.names import parse_project
from alservice.domain.operation import Json, Operation
from alservice.domain.source import SourceColumns
from alservice.rpc.pool_messages import parse_policy, render_added
from alservice.usecases.import_items import ImportItemsCommand


def parse_import(request: pb.ImportItemsRequest) -> ImportItemsCommand:
    """The command. Raises InvalidName, InvalidField."""
    columns = request.columns
    return ImportItemsCommand(
        project_id=parse_project(request.project),
        uri=request.uri,
        on_conflict=parse_policy(request.on_conflict),
        columns=SourceColumns(
            item_id=columns.item_id,
            vector=tuple(columns.vector),
            class_id=columns.class_id,
            text=columns.text,
            uri=columns.uri,
            group=columns.group,
            cost=columns.cost,
            role=columns.role,
            id_prefix=request.id_prefix,
        ),
    )


def render_import(operation: Operation) -> pb.ImportItemsMetadata:
    """How far an import has come."""
    asked: dict[str, Any] = dict(operation.request)
    return pb.ImportItemsMetadata(
        progress=operation.progress,
        stage=operation.stage,
        attempt=operation.attempt,
        uri=asked["uri"],
        read_item_count=round(operation.progress * asked["item_count"]),
        item_count=asked["item_count"],
        size_bytes=asked["size_bytes"],
    )


def render_imported(result: Json) -> pb.ImportItemsResponse:
    """What an import has committed."""
    told: dict[str, Any] = dict(result)
    return pb.ImportItemsResponse(result=render_added(AddResult(**told)))
