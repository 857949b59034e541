"""Forgetting operations."""

from collections.abc import Callable

import pytest

from alservice.domain import errors
from alservice.domain.model import ModelRow
from alservice.domain.operation import Operation, OperationState
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog
from alservice.usecases.delete_operation import DeleteOperation, DeleteOperationCommand
from tests.usecases.conftest import CallFactory

MakeProject = Callable[..., Project]
AddModel = Callable[..., ModelRow]
AddOperation = Callable[..., Operation]
COMMAND = DeleteOperationCommand("reviews", "o-1")


@pytest.mark.parametrize("state", [s for s in OperationState if s.done])
def test_a_done_operation_is_forgotten_and_its_model_stays(
    catalog: Catalog,
    call: CallFactory,
    make_project: MakeProject,
    add_model: AddModel,
    add_operation: AddOperation,
    state: OperationState,
) -> None:
    make_project("reviews")
    model = add_model("reviews", "m-1")
    add_operation("reviews", "o-1", state=state, request={"model_id": "m-1"})
    DeleteOperation(catalog)(call(), COMMAND)
    assert catalog.read(lambda tx: tx.operations.get("reviews", "o-1")) is None
    assert catalog.read(lambda tx: tx.models.get("reviews", "m-1")) == model
    with pytest.raises(errors.OperationNotFound):
        DeleteOperation(catalog)(call(), COMMAND)


@pytest.mark.parametrize("state", [OperationState.QUEUED, OperationState.RUNNING])
def test_an_unfinished_operation_is_kept(
    catalog: Catalog,
    call: CallFactory,
    make_project: MakeProject,
    add_operation: AddOperation,
    state: OperationState,
) -> None:
    make_project("reviews")
    kept = add_operation("reviews", "o-1", state=state)
    with pytest.raises(errors.OperationNotDone, match="cancel it"):
        DeleteOperation(catalog)(call(), COMMAND)
    assert catalog.read(lambda tx: tx.operations.get("reviews", "o-1")) == kept
