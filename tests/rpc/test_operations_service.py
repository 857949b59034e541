"""google.longrunning.Operations over a real connection."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2 as pb
from google.longrunning import operations_pb2_grpc as pb_grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2

from alservice.api.v1 import active_learning_service_pb2 as al_pb
from alservice.api.v1 import model_pb2
from alservice.domain.model import ModelRow, ModelState
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.domain.project import LabelSchema, Project
from alservice.rpc.operations_service import OperationsServicer
from tests.rpc.edge import failure, reason
from tests.rpc.inside import PATIENCE_S, Inside, serving

NUMBERS = count(1)
MODEL = ModelRow(
    model_id="m-1",
    state=ModelState.READY,
    learner="logistic",
    operation_id="o-1",
    space_id="default",
    class_ids=("cat",),
)
REVIEWS = Project(
    project_id="reviews",
    uid="p-1",
    display_name="r",
    schema=LabelSchema(),
    active_model_id="m-1",
)


@pytest.fixture
def inside(loop: asyncio.AbstractEventLoop, tmp_path: Path) -> Iterator[Inside]:
    add = pb_grpc.add_OperationsServicer_to_server
    with serving(loop, tmp_path / "data", OperationsServicer, add) as running:
        running.catalog.transact(lambda tx: tx.projects.insert(REVIEWS))
        running.catalog.transact(lambda tx: tx.models.insert("reviews", MODEL))
        yield running


@pytest.fixture
def stub(inside: Inside) -> Any:
    return pb_grpc.OperationsStub(inside.channel)


def add(inside: Inside, **fields: Any) -> str:
    """The name of a new operation."""
    number = next(NUMBERS)
    operation = Operation(
        **{
            "operation_id": f"o-{number}",
            "project_id": "reviews",
            "kind": OperationKind.TRAIN,
            "request": {"model_id": "m-1"},
            "create_time_ms": number,
            **fields,
        }
    )
    inside.catalog.transact(lambda tx: tx.operations.insert(operation))
    return f"projects/reviews/operations/{operation.operation_id}"


def finish(inside: Inside, name: str) -> None:
    def work(tx: Any) -> bool:
        operation = tx.operations.get("reviews", name.rpartition("/")[2])
        done = replace(operation, state=OperationState.SUCCEEDED)
        return bool(tx.operations.finish(done, operation.attempt))

    assert inside.catalog.transact(work)


def wait(stub: Any, name: str, **timeout: int) -> Any:
    """A WaitOperation that is under way."""
    request = pb.WaitOperationRequest(name=name)
    if timeout:
        request.timeout.CopyFrom(Duration(**timeout))
    return stub.WaitOperation.future(request)


def test_a_running_operation_names_its_model_and_how_far_it_is(inside: Inside, stub: Any) -> None:
    name = add(
        inside, state=OperationState.RUNNING, progress=0.5, stage="cross-validating", attempt=2
    )
    found = stub.GetOperation(pb.GetOperationRequest(name=name))
    metadata = al_pb.TrainMetadata()
    assert found.metadata.Unpack(metadata)
    assert metadata == al_pb.TrainMetadata(
        model="projects/reviews/models/m-1", progress=0.5, stage="cross-validating", attempt=2
    )
    assert (found.name, found.done, found.WhichOneof("result")) == (name, False, None)


def test_a_successful_operation_holds_the_model(inside: Inside, stub: Any) -> None:
    name = add(inside, state=OperationState.SUCCEEDED)
    found = stub.GetOperation(pb.GetOperationRequest(name=name))
    model = model_pb2.Model()
    assert found.done and found.response.Unpack(model)
    assert (model.name, model.active) == ("projects/reviews/models/m-1", True)


@pytest.mark.parametrize(
    ("state", "reason_word", "code"),
    [
        (OperationState.FAILED, "TRAINING_FAILED", code_pb2.INTERNAL),
        (OperationState.FAILED, "TRAINING_NEEDS_TWO_CLASSES", code_pb2.FAILED_PRECONDITION),
        (OperationState.CANCELLED, "CANCELLED", code_pb2.CANCELLED),
    ],
)
def test_an_operation_that_ended_otherwise_says_why(
    inside: Inside, stub: Any, state: OperationState, reason_word: str, code: int
) -> None:
    name = add(inside, state=state, error_reason=reason_word, error_message="so it is")
    found = stub.GetOperation(pb.GetOperationRequest(name=name))
    info = error_details_pb2.ErrorInfo()
    assert found.done and found.error.details[0].Unpack(info)
    assert info.reason == f"ERROR_REASON_{reason_word}"
    assert (found.error.code, found.error.message) == (code, "so it is")


def test_operations_are_listed_newest_first_without_housekeeping(
    inside: Inside, stub: Any
) -> None:
    names = [add(inside) for _ in range(3)]
    add(inside, kind=OperationKind.MERGE)
    request = pb.ListOperationsRequest(name="projects/reviews", page_size=2)
    first = stub.ListOperations(request)
    request.page_token = first.next_page_token
    second = stub.ListOperations(request)
    assert [o.name for o in [*first.operations, *second.operations]] == names[::-1]
    assert not second.next_page_token


def test_cancelling_asks_the_worker_and_does_nothing_to_what_is_done(
    inside: Inside, stub: Any
) -> None:
    running, done = add(inside), add(inside, state=OperationState.SUCCEEDED)
    for name in (running, done):
        stub.CancelOperation(pb.CancelOperationRequest(name=name))

    def asked(name: str) -> bool:
        key = name.rpartition("/")[2]
        found = inside.catalog.read(lambda tx: tx.operations.get("reviews", key))
        assert found is not None
        return found.cancel_requested

    assert (asked(running), asked(done)) == (True, False)


def test_only_a_done_operation_can_be_deleted(inside: Inside, stub: Any) -> None:
    running, done = add(inside), add(inside, state=OperationState.SUCCEEDED)
    stub.DeleteOperation(pb.DeleteOperationRequest(name=done))
    gone = failure(lambda: stub.GetOperation(pb.GetOperationRequest(name=done)))
    assert reason(gone) == "ERROR_REASON_OPERATION_NOT_FOUND"
    kept = failure(lambda: stub.DeleteOperation(pb.DeleteOperationRequest(name=running)))
    assert reason(kept) == "ERROR_REASON_OPERATION_NOT_DONE"


def test_waiting_ends_when_the_operation_does(inside: Inside, stub: Any) -> None:
    name = add(inside)
    waiting = wait(stub, name)
    assert not stub.GetOperation(pb.GetOperationRequest(name=name)).done
    finish(inside, name)
    assert waiting.result(PATIENCE_S).done


def test_waiting_ends_with_its_timeout(inside: Inside, stub: Any) -> None:
    name = add(inside)
    assert not wait(stub, name, nanos=200_000_000).result(PATIENCE_S).done
    assert not wait(stub, name, seconds=0).result(PATIENCE_S).done


def test_a_short_deadline_still_gets_an_answer(inside: Inside, stub: Any) -> None:
    name = add(inside)
    request = pb.WaitOperationRequest(name=name)
    # Four seconds, of which the answer has the last to arrive.
    assert not stub.WaitOperation(request, timeout=4).done


def test_many_may_wait_without_keeping_others_from_being_served(inside: Inside, stub: Any) -> None:
    name = add(inside)
    # More at once than the sixteen that may wait for a thread: their looks are made again.
    waiting = [wait(stub, name) for _ in range(200)]
    assert stub.GetOperation(pb.GetOperationRequest(name=name)).name == name
    finish(inside, name)
    assert all(call.result(PATIENCE_S).done for call in waiting)


def test_a_draining_server_answers_those_who_wait(inside: Inside, stub: Any) -> None:
    name = add(inside)
    waiting = wait(stub, name)

    async def drain() -> bool:
        while not inside.rpc.interceptor.in_flight.running:  # noqa: ASYNC110 nobody is told
            await asyncio.sleep(0)
        return await inside.rpc.interceptor.in_flight.drain(PATIENCE_S)

    assert inside.run(drain())
    assert not waiting.result(PATIENCE_S).done


def test_a_negative_timeout_and_a_missing_operation_are_refused(inside: Inside, stub: Any) -> None:
    name = add(inside)
    negative = failure(lambda: wait(stub, name, seconds=-1).result(PATIENCE_S))
    assert reason(negative) == "ERROR_REASON_INVALID_FIELD"
    missing = failure(lambda: wait(stub, f"{name}-x").result(PATIENCE_S))
    assert missing.code() == grpc.StatusCode.NOT_FOUND
