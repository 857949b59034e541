"""What tests of PoolService share: a project to fill, items, and streams of them."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import grpc
import numpy as np

from alservice.api.v1 import item_pb2 as item_pb
from alservice.api.v1 import pool_service_pb2 as pb
from alservice.api.v1 import pool_service_pb2_grpc as pb_grpc
from alservice.api.v1 import project_pb2, project_service_pb2, project_service_pb2_grpc
from alservice.api.v1 import tensor_pb2 as tensor_pb

NUMBERS = count(1)
CLASSES = project_pb2.LabelSchema(
    classes=project_pb2.ClassSchema(
        classes=[project_pb2.ClassLabel(class_id="cat"), project_pb2.ClassLabel(class_id="dog")]
    )
)
Stub = pb_grpc.PoolServiceStub


def new_project(channel: grpc.Channel) -> str:
    """The name of an empty project with classes `cat` and `dog`."""
    request = project_service_pb2.CreateProjectRequest(
        project_id=f"pool-{next(NUMBERS)}",
        project=project_pb2.Project(label_schema=CLASSES),
    )
    made = project_service_pb2_grpc.ProjectServiceStub(channel).CreateProject(request)
    return made.project.name


def tensor(array: np.ndarray[Any, Any], dtype: int = tensor_pb.DTYPE_F32) -> tensor_pb.Tensor:
    return tensor_pb.Tensor(data=array.tobytes(), dtype=dtype, shape=array.shape)  # type: ignore[arg-type]


def columns(*item_ids: str, **more: Any) -> item_pb.ItemColumns:
    vectors = np.arange(2 * len(item_ids), dtype="<f4").reshape(-1, 2)
    return item_pb.ItemColumns(item_ids=item_ids, **{"vectors": tensor(vectors), **more})


def add(stub: Stub, project: str, *item_ids: str, **more: Any) -> pb.AddItemsResponse:
    request = pb.BatchAddItemsRequest(project=project, columns=columns(*item_ids, **more))
    return stub.BatchAddItems(request).result


def stream(
    project: str, *chunks: tuple[int, item_pb.ItemColumns], **header: Any
) -> Iterator[pb.AddItemsRequest]:
    yield pb.AddItemsRequest(header=pb.AddItemsHeader(project=project, **header))
    for offset, items in chunks:
        yield pb.AddItemsRequest(chunk=pb.ItemChunk(offset=offset, columns=items))


def listed(stub: Stub, project: str) -> set[str]:
    answer = stub.ListItems(pb.ListItemsRequest(project=project, page_size=1000))
    return {item.item_id for item in answer.items}


def get(stub: Stub, project: str, item_id: str) -> item_pb.Item:
    request = pb.GetItemRequest(project=project, item_id=item_id, include_vector=True)
    return stub.GetItem(request).item
