"""Requests that must fail, with the answer that each of them gets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
import numpy as np
from google.longrunning import operations_pb2

from alservice.api.v1 import active_learning_service_pb2 as al
from alservice.api.v1 import item_pb2, label_pb2, model_service_pb2, project_pb2, tensor_pb2
from alservice.api.v1 import pool_service_pb2 as pool_pb
from alservice.api.v1 import project_service_pb2 as project_pb
from tests.e2e.api import Api, columns, label, random_vectors

CODE: Final = grpc.StatusCode
REVIEWS = "projects/reviews"
DIMENSION = 4
NAN, INFINITE = random_vectors(3, DIMENSION), random_vectors(3, DIMENSION)
NAN[1, 2], INFINITE[2, 0] = np.nan, -np.inf


@dataclass(frozen=True)
class Row:
    """A request that must fail: with which code, reason and metadata; `says` is in its message."""

    call: Callable[[Api], object]
    code: grpc.StatusCode
    reason: str
    says: str
    metadata: Mapping[str, str] = field(default_factory=dict)


def query(**more: Any) -> Callable[[Api], object]:
    return lambda api: api.query(**({"project": REVIEWS} | more))


def submit(*labels: label_pb2.Label, project: str = REVIEWS) -> Callable[[Api], object]:
    return lambda api: api.label(project, *labels)


def add(items: item_pb2.ItemColumns, **more: Any) -> Callable[[Api], object]:
    fields: dict[str, Any] = {"project": REVIEWS, "columns": items} | more
    ask = pool_pb.BatchAddItemsRequest(**fields)
    return lambda api: api.pool.BatchAddItems(ask)


def add_rows(*items: item_pb2.Item) -> Callable[[Api], object]:
    rows = item_pb2.ItemRows(items=items)
    ask = pool_pb.BatchAddItemsRequest(project=REVIEWS, rows=rows)
    return lambda api: api.pool.BatchAddItems(ask)


def stream(*messages: pool_pb.AddItemsRequest) -> Callable[[Api], object]:
    return lambda api: api.pool.AddItems(iter(messages))


def update(path: str, *ids: str) -> Callable[[Api], object]:
    items = [item_pb2.Item(item_id=i, cost=2) for i in ids]
    ask = pool_pb.UpdateItemsRequest(project=REVIEWS, items=items)
    ask.update_mask.paths.append(path)
    return lambda api: api.pool.UpdateItems(ask)


def get_project(name: str) -> Callable[[Api], object]:
    return lambda api: api.show(name)


def train(**more: Any) -> Callable[[Api], object]:
    return lambda api: api.active.Train(al.TrainRequest(**({"project": REVIEWS} | more)))


def reuse_a_request_id(api: Api) -> object:
    """The second call is another request under the same name."""
    ask = al.QueryRequest(project=REVIEWS, batch_size=1, dry_run=False, request_id="mine")
    batch = api.active.Query(ask).batch
    api.active.ReleaseBatch(al.ReleaseBatchRequest(name=batch.name))
    ask.batch_size = 2
    return api.active.Query(ask)


def multi_label(api: Api) -> object:
    project = project_pb2.Project()
    project.label_schema.multi_label.classes.add(class_id="cat")
    ask = project_pb.CreateProjectRequest(project_id="several", project=project)
    return api.projects.CreateProject(ask)


NEW = columns(random_vectors(2, DIMENSION), start=100)
SHORT = tensor_pb2.Tensor(data=bytes(31), dtype=tensor_pb2.DTYPE_F32, shape=(2, DIMENSION))
TWICE = columns(random_vectors(2, DIMENSION), item_ids=["new", "new"])
BAD, MISSING = CODE.INVALID_ARGUMENT, CODE.NOT_FOUND
HEADER = pool_pb.AddItemsRequest(header=pool_pb.AddItemsHeader(project=REVIEWS))
CHUNK = pool_pb.AddItemsRequest(chunk=pool_pb.ItemChunk(offset=7, columns=NEW))

ROWS: dict[str, Row] = {
    # Unknown things.
    "project": Row(
        query(project="projects/revews"), MISSING, "PROJECT_NOT_FOUND", "revews",
        {"project": "revews", "did_you_mean": "reviews"},
    ),
    "project of a label": Row(
        submit(label("i-1"), project="projects/nowhere"), MISSING, "PROJECT_NOT_FOUND", "nowhere",
    ),
    "project of an upload": Row(
        add(NEW, project="projects/nowhere"), MISSING, "PROJECT_NOT_FOUND", "nowhere"
    ),
    "name of a project": Row(
        get_project("reviews"), BAD, "INVALID_NAME", "projects/", {"value": "reviews"}
    ),
    "item of a label": Row(
        submit(label("i-1"), label("ghost")), MISSING, "ITEM_NOT_FOUND", "ghost",
        {"item_ids": "ghost", "count": "1"},
    ),
    "item to get": Row(
        lambda api: api.pool.GetItem(pool_pb.GetItemRequest(project=REVIEWS, item_id="ghost")),
        MISSING, "ITEM_NOT_FOUND", "ghost",
    ),
    "item to update": Row(
        update("cost", "i-1", "ghost"), MISSING, "ITEM_NOT_FOUND", "ghost", {"item_ids": "ghost"}
    ),
    "class": Row(
        submit(label("i-1"), label("i-2", "catt")), BAD, "CLASS_UNKNOWN", "AddClasses",
        {"class_id": "catt", "did_you_mean": "cat"},
    ),
    "class of an upload": Row(
        add(columns(random_vectors(1, DIMENSION), start=100, class_ids=["dg"])),
        BAD, "CLASS_UNKNOWN", "dg", {"did_you_mean": "dog"},
    ),
    "strategy": Row(
        query(strategy="margni"), BAD, "STRATEGY_UNKNOWN", "margin",
        {"strategy": "margni", "did_you_mean": "margin"},
    ),
    "parameter": Row(
        query(strategy="margin", parameters={"beta": 1.0}), BAD, "PARAMETER_UNKNOWN", "beta",
        {"parameter": "beta", "strategy": "margin"},
    ),
    "learner": Row(
        train(learner="logistc"), BAD, "LEARNER_UNKNOWN", "logistic", {"did_you_mean": "logistic"}
    ),
    "batch": Row(
        lambda api: api.active.GetBatch(al.GetBatchRequest(name=f"{REVIEWS}/batches/b-0")),
        MISSING, "BATCH_NOT_FOUND", "b-0", {"batch": f"{REVIEWS}/batches/b-0"},
    ),
    "model": Row(
        lambda api: api.models.ActivateModel(
            model_service_pb2.ActivateModelRequest(name=f"{REVIEWS}/models/m-0")
        ),
        MISSING, "MODEL_NOT_FOUND", "m-0",
    ),
    "operation": Row(
        lambda api: api.operations.GetOperation(
            operations_pb2.GetOperationRequest(name=f"{REVIEWS}/operations/o-0")
        ),
        MISSING, "OPERATION_NOT_FOUND", "o-0",
    ),
    "upload": Row(
        lambda api: api.pool.GetUpload(pool_pb.GetUploadRequest(project=REVIEWS, upload_id="u")),
        MISSING, "UPLOAD_NOT_FOUND", "u",
    ),
    # Items that cannot be.
    "wrong dimension": Row(
        add(columns(random_vectors(2, 5), start=100)), BAD, "DIMENSION_MISMATCH", "4",
        {"dimension": "4", "got": "5"},
    ),
    "wrong dimension in a row": Row(
        add_rows(item_pb2.Item(item_id="new", vector=[1, 2])), BAD, "DIMENSION_MISMATCH", "4"
    ),
    "NaN": Row(
        add(columns(NAN, start=100)), BAD, "NON_FINITE_VECTOR", "i-101", {"item_id": "i-101"}
    ),
    "infinity": Row(
        add(columns(INFINITE, start=100)), BAD, "NON_FINITE_VECTOR", "i-102",
        {"item_id": "i-102"},
    ),
    "NaN in a row": Row(
        add_rows(item_pb2.Item(item_id="new", vector=[1, 2, 3, float("nan")])),
        BAD, "NON_FINITE_VECTOR", "new",
    ),
    "id that exists": Row(
        add(columns(random_vectors(3, DIMENSION), start=18)), CODE.ALREADY_EXISTS, "ITEM_EXISTS",
        "on_conflict", {"count": "2"},
    ),
    "id that stands twice": Row(
        add(TWICE), CODE.ALREADY_EXISTS, "ITEM_EXISTS", "new", {"item_ids": "new"}
    ),
    "empty id": Row(
        add(columns(random_vectors(1, DIMENSION), item_ids=[""])), BAD, "INVALID_ITEM_ID", "id"
    ),
    "long id": Row(
        add(columns(random_vectors(1, DIMENSION), item_ids=["x" * 513])), BAD, "INVALID_ITEM_ID",
        "512",
    ),
    "column that is too short": Row(
        add(columns(random_vectors(2, DIMENSION), start=100, groups=["a"])), BAD, "INVALID_FIELD",
        "groups",
    ),
    "tensor that is too short": Row(
        add(item_pb2.ItemColumns(item_ids=["a", "b"], vectors=SHORT)),
        BAD, "INVALID_FIELD", "bytes",
    ),
    "path that cannot change": Row(
        update("vector", "i-1"), BAD, "INVALID_UPDATE_MASK", "cost", {"path": "vector"}
    ),
    # Streams.
    "stream without a header": Row(
        stream(CHUNK), BAD, "UPLOAD_PROTOCOL", "header", {"expected": "header"}
    ),
    "stream without anything": Row(stream(), BAD, "UPLOAD_PROTOCOL", "header"),
    "stream with two headers": Row(stream(HEADER, HEADER), BAD, "UPLOAD_PROTOCOL", "chunk"),
    "stream with a gap": Row(
        stream(HEADER, CHUNK), CODE.OUT_OF_RANGE, "UPLOAD_OFFSET_GAP", "7",
        {"offset": "7", "received": "0"},
    ),
    # Labels, batches, trainings.
    "no labels": Row(submit(), BAD, "INVALID_FIELD", "labels", {"field": "labels"}),
    "label without a value": Row(
        submit(label_pb2.Label(item_id="i-1")), BAD, "LABEL_VALUE_INVALID", "class_id",
        {"item_id": "i-1"},
    ),
    "abstention with a value": Row(
        submit(label("i-1", outcome=label_pb2.LABEL_OUTCOME_ABSTAIN)), BAD,
        "LABEL_VALUE_INVALID", "class_id",
    ),
    "negative batch size": Row(
        query(batch_size=-1), BAD, "INVALID_FIELD", "batch_size", {"field": "batch_size"}
    ),
    "huge batch size": Row(query(batch_size=10_001), BAD, "INVALID_FIELD", "10000"),
    "lease of no time": Row(
        query(lease_duration={"nanos": 5}), BAD, "INVALID_FIELD", "1 second",
        {"field": "lease_duration"},
    ),
    "Query of an empty pool": Row(
        query(project="projects/empty"), CODE.FAILED_PRECONDITION, "POOL_EMPTY", "",
        {"project": "empty"},
    ),
    "Train without labels": Row(
        train(), CODE.FAILED_PRECONDITION, "TRAINING_NEEDS_TWO_CLASSES", "label more items",
        {"classes_with_labels": "0"},
    ),
    "Train with one class": Row(
        train(project="projects/one-class"), CODE.FAILED_PRECONDITION,
        "TRAINING_NEEDS_TWO_CLASSES", "two classes", {"classes_with_labels": "1"},
    ),
    "request id of another request": Row(
        reuse_a_request_id, BAD, "REQUEST_ID_REUSED", "fresh",
        {"request_id": "mine", "method": "Query"},
    ),
    "page token from nowhere": Row(
        lambda api: api.pool.ListItems(
            pool_pb.ListItemsRequest(project=REVIEWS, page_token="zzz")
        ),
        BAD, "INVALID_PAGE_TOKEN", "token",
    ),
    # Projects.
    "project that exists": Row(
        lambda api: api.create("reviews"), CODE.ALREADY_EXISTS, "PROJECT_EXISTS", "reviews",
        {"project": "reviews"},
    ),
    "project with a strange id": Row(
        lambda api: api.create("My Project"), BAD, "INVALID_NAME", "lower-case",
        {"value": "My Project"},
    ),
    "several labels per item": Row(multi_label, CODE.UNIMPLEMENTED, "NOT_BUILT", "classes"),
    "old etag": Row(
        lambda api: api.projects.DeleteProject(
            project_pb.DeleteProjectRequest(name=REVIEWS, etag="old")
        ),
        CODE.ABORTED, "ETAG_MISMATCH", "get it again", {"etag": "old"},
    ),
}  # fmt: skip
