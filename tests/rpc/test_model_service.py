"""ModelService over a real connection."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from alservice.api.v1 import model_pb2 as pb
from alservice.api.v1 import model_service_pb2 as service_pb
from alservice.api.v1 import model_service_pb2_grpc as service_grpc
from alservice.domain.model import ModelRow, ModelState
from alservice.domain.project import LabelSchema, Project
from alservice.ports.catalog import Tx
from alservice.rpc.model_messages import BASES, STATES
from alservice.rpc.model_service import ModelServicer
from tests.rpc.edge import failure, reason
from tests.rpc.inside import serving

READY = ModelRow(
    model_id="m-1",
    state=ModelState.READY,
    learner="logistic",
    operation_id="o-1",
    space_id="default",
    class_ids=("cat", "dog"),
    revision=5,
    label_count=40,
    parameters={"C": 10.0, "standardised": True, "note": "few labels"},
    metrics=(
        {"name": "accuracy", "basis": "audit", "value": 0.5, "low": 0.25, "high": 0.75, "n": 9},
    ),
    create_time_ms=1_800_000_000_123,
    end_time_ms=1_800_000_001_000,
)
TRAINING = ModelRow(
    model_id="m-2",
    state=ModelState.TRAINING,
    learner="logistic",
    operation_id="o-2",
    space_id="default",
    class_ids=(),
    create_time_ms=1_800_000_002_000,
)


@pytest.fixture(scope="module")
def stub(
    loop: asyncio.AbstractEventLoop, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[service_grpc.ModelServiceStub]:
    folder: Path = tmp_path_factory.mktemp("models") / "data"
    add = service_grpc.add_ModelServiceServicer_to_server
    with serving(loop, folder, ModelServicer, add) as inside:
        inside.catalog.transact(fill)
        yield service_grpc.ModelServiceStub(inside.channel)


def fill(tx: Tx) -> None:
    reviews = Project(project_id="reviews", uid="p-1", display_name="r", schema=LabelSchema())
    tx.projects.insert(reviews)
    for model in (READY, TRAINING):
        tx.models.insert("reviews", model)


def activate(stub: service_grpc.ModelServiceStub, model_id: str) -> pb.Model:
    name = f"projects/reviews/models/{model_id}"
    return stub.ActivateModel(service_pb.ActivateModelRequest(name=name)).model


def test_a_model_shows_all_that_is_known_of_it(stub: service_grpc.ModelServiceStub) -> None:
    name = "projects/reviews/models/m-1"
    found = stub.GetModel(service_pb.GetModelRequest(name=name)).model
    assert found.name == name and found.state == pb.MODEL_STATE_READY
    assert dict(found.parameters) == READY.parameters
    assert found.metrics == [
        pb.Metric(
            metric="accuracy",
            basis=pb.METRIC_BASIS_AUDIT,
            value=0.5,
            low=0.25,
            high=0.75,
            sample_count=9,
        )
    ]
    assert found.vector_space == "projects/reviews/vectorSpaces/default"
    assert found.operation == "projects/reviews/operations/o-1"
    assert list(found.class_ids) == ["cat", "dog"]
    assert (found.revision, found.label_count) == (5, 40)
    assert found.create_time.ToMilliseconds() == READY.create_time_ms
    assert found.end_time.ToMilliseconds() == READY.end_time_ms


def test_models_are_listed_newest_first_and_one_can_be_put_to_use(
    stub: service_grpc.ModelServiceStub,
) -> None:
    assert activate(stub, "m-1").active
    first = stub.ListModels(service_pb.ListModelsRequest(project="projects/reviews", page_size=1))
    rest = service_pb.ListModelsRequest(
        project="projects/reviews", page_token=first.next_page_token
    )
    found = [*first.models, *stub.ListModels(rest).models]
    assert [(m.name[-3:], m.active) for m in found] == [("m-2", False), ("m-1", True)]
    assert not found[0].HasField("end_time")


def test_a_model_in_training_cannot_be_put_to_use(stub: service_grpc.ModelServiceStub) -> None:
    error = failure(lambda: activate(stub, "m-2"))
    assert error.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert reason(error) == "ERROR_REASON_MODEL_NOT_READY"


def test_a_missing_model_is_not_found(stub: service_grpc.ModelServiceStub) -> None:
    error = failure(lambda: activate(stub, "m-3"))
    assert error.code() == grpc.StatusCode.NOT_FOUND
    assert reason(error) == "ERROR_REASON_MODEL_NOT_FOUND"


def test_every_state_and_basis_has_a_word_of_its_own_in_the_api() -> None:
    assert set(STATES) == set(ModelState)
    assert len(set(STATES.values())) == len(STATES)
    assert len(set(BASES.values())) == len(BASES) == len(pb.MetricBasis.keys()) - 1
