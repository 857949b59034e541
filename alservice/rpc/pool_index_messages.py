"""BuildIndex and what comes of it, to the words of the use case and back."""

from typing import Any

from google.protobuf.duration_pb2 import Duration

from alservice.api.v1 import pool_service_pb2 as pb
from alservice.domain.names import parse_project, pool_index_name
from alservice.domain.operation import Json
from alservice.rpc.project_messages import timestamp
from alservice.usecases.build_index import BuildIndexCommand


def parse_build_index(request: pb.BuildIndexRequest) -> BuildIndexCommand:
    """The command. Raises InvalidName."""
    return BuildIndexCommand(
        project_id=parse_project(request.project),
        neighbour_count=request.neighbour_count,
        force=request.force,
    )


def render_pool_index(project_id: str, facts: Json) -> pb.PoolIndex:
    """The message about an index, from what its operation wrote down."""
    told: dict[str, Any] = dict(facts)
    duration = Duration()
    duration.FromMilliseconds(told["build_ms"])
    return pb.PoolIndex(
        name=pool_index_name(project_id, told["artefact_id"]),
        item_count=told["item_count"],
        neighbour_count=told["neighbour_count"],
        recall=told["recall"],
        method=told["method"],
        cluster_count=told["cluster_count"],
        near_duplicate_count=told["near_duplicate_count"],
        build_duration=duration,
        size_bytes=told["size_bytes"],
        create_time=timestamp(told["create_time_ms"]),
    )
