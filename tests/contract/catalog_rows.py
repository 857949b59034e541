"""Rows to put into a catalog: whatever a test does not care about has a plain value."""

from alservice.domain.artefact import Artefact, ArtefactState
from alservice.domain.batch import Arm, Batch, BatchItem, BatchItemState, Lease
from alservice.domain.label import LabelRow, Outcome, Provenance, Settled
from alservice.domain.model import ModelRow, ModelState
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.domain.project import ClassLabel, LabelSchema, Project
from alservice.domain.segment import Segment, SegmentState, Upload

P = "reviews"


def a_project(project_id: str = P, **changes: object) -> Project:
    schema = LabelSchema((ClassLabel("cat", "Cat", "purrs"), ClassLabel("dog")))
    row = {"uid": f"p-{project_id}", "display_name": project_id, "schema": schema}
    return Project(project_id=project_id, **{**row, **changes})  # type: ignore[arg-type]


def a_segment(segment_id: str, **changes: object) -> Segment:
    row = {"project_id": P, "space_id": "default", "state": SegmentState.LIVE}
    return Segment(segment_id=segment_id, **{**row, **changes})  # type: ignore[arg-type]


def an_artefact(artefact_id: str, **changes: object) -> Artefact:
    row = {"project_id": P, "operation_id": "o-1", "state": ArtefactState.LIVE}
    return Artefact(artefact_id=artefact_id, **{**row, **changes})  # type: ignore[arg-type]


def an_upload(upload_id: str = "u-1", **changes: object) -> Upload:
    row = {"project_id": P, "incarnation": 1, "on_conflict": 1}
    return Upload(upload_id=upload_id, **{**row, **changes})  # type: ignore[arg-type]


def an_answer(item_id: str, **changes: object) -> LabelRow:
    row = {
        "incarnation": 1,
        "outcome": Outcome.VALUE,
        "class_id": "cat",
        "annotator_id": "ada",
        "provenance": Provenance.QUERIED,
    }
    return LabelRow(item_id=item_id, **{**row, **changes})  # type: ignore[arg-type]


def a_settled(item_id: str, label_seq: int, **changes: object) -> Settled:
    row = {
        "incarnation": 1,
        "outcome": Outcome.VALUE,
        "class_id": "cat",
        "provenance": Provenance.QUERIED,
        "weight": 1.0,
        "revision": 1,
    }
    return Settled(item_id=item_id, label_seq=label_seq, **{**row, **changes})  # type: ignore[arg-type]


def a_lease(item_id: str, **changes: object) -> Lease:
    row = {
        "incarnation": 1,
        "slot": 0,
        "batch_id": "b-1",
        "annotator_id": "ada",
        "expire_time_ms": 1000,
    }
    return Lease(item_id=item_id, **{**row, **changes})  # type: ignore[arg-type]


def a_batch(batch_id: str, *item_ids: str, **changes: object) -> Batch:
    items = tuple(
        BatchItem(item_id=item, incarnation=1, rank=rank, score=0.5, arm=Arm.STRATEGY)
        for rank, item in enumerate(item_ids)
    )
    row = {
        "annotator_id": "ada",
        "items": items,
        "expire_time_ms": 1000,
        "create_time_ms": 1,
        "strategy": "margin",
        "strategy_version": 1,
        "model_id": None,
        "seed": 2**64 - 1,
        "revision": 1,
    }
    return Batch(batch_id=batch_id, **{**row, **changes})  # type: ignore[arg-type]


def a_model(model_id: str, **changes: object) -> ModelRow:
    row = {
        "state": ModelState.TRAINING,
        "learner": "logistic",
        "operation_id": "o-1",
        "space_id": "default",
        "class_ids": ("cat", "dog"),
    }
    return ModelRow(model_id=model_id, **{**row, **changes})  # type: ignore[arg-type]


def an_operation(operation_id: str, **changes: object) -> Operation:
    row = {"project_id": P, "kind": OperationKind.TRAIN, "state": OperationState.QUEUED}
    return Operation(operation_id=operation_id, **{**row, **changes})  # type: ignore[arg-type]


def states(batch: Batch | None) -> list[BatchItemState]:
    return [] if batch is None else [item.state for item in batch.items]
