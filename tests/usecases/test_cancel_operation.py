"""Asking an operation to stop."""

from collections.abc import Callable

import pytest

from alservice.domain import errors
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog
from alservice.usecases.cancel_operation import CancelOperation, CancelOperationCommand
from tests.usecases.conftest import CallFactory

MakeProject = Callable[..., Project]
AddOperation = Callable[..., Operation]
COMMAND = CancelOperationCommand("reviews", "o-1")


@pytest.mark.parametrize("state", list(OperationState))
def test_only_what_is_unfinished_is_asked_to_stop(
    catalog: Catalog,
    call: CallFactory,
    make_project: MakeProject,
    add_operation: AddOperation,
    state: OperationState,
) -> None:
    make_project("reviews")
    add_operation("reviews", "o-1", state=state)
    for _ in range(2):
        CancelOperation(catalog)(call(), COMMAND)
    found = catalog.read(lambda tx: tx.operations.get("reviews", "o-1"))
    assert found is not None
    assert (found.state, found.cancel_requested) == (state, not state.done)


def test_what_is_not_there_or_not_shown_cannot_be_cancelled(
    catalog: Catalog, call: CallFactory, make_project: MakeProject, add_operation: AddOperation
) -> None:
    make_project("reviews")
    with pytest.raises(errors.OperationNotFound):
        CancelOperation(catalog)(call(), COMMAND)
    add_operation("reviews", "o-1", kind=OperationKind.MERGE)
    with pytest.raises(errors.OperationNotFound):
        CancelOperation(catalog)(call(), COMMAND)
