"""One operation."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from alservice.domain import errors
from alservice.domain.model import ModelRow
from alservice.domain.operation import Operation, OperationKind, OperationView
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog
from alservice.usecases.get_operation import GetOperation, GetOperationCommand
from tests.usecases.conftest import CallFactory

MakeProject = Callable[..., Project]
AddModel = Callable[..., ModelRow]
AddOperation = Callable[..., Operation]
COMMAND = GetOperationCommand("reviews", "o-1")


def test_an_operation_comes_with_the_model_it_makes(
    catalog: Catalog,
    call: CallFactory,
    make_project: MakeProject,
    add_model: AddModel,
    add_operation: AddOperation,
) -> None:
    project = make_project("reviews")
    model = add_model("reviews", "m-1")
    operation = add_operation("reviews", "o-1", request={"model_id": "m-1"})
    get = GetOperation(catalog)
    assert get(call(), COMMAND) == OperationView(operation, model, active=False)
    catalog.transact(lambda tx: tx.projects.update(replace(project, active_model_id="m-1")))
    assert get(call(), COMMAND) == OperationView(operation, model, active=True)


def test_an_operation_without_a_model_is_shown_all_the_same(
    catalog: Catalog, call: CallFactory, make_project: MakeProject, add_operation: AddOperation
) -> None:
    make_project("reviews")
    operation = add_operation("reviews", "o-1")
    assert GetOperation(catalog)(call(), COMMAND) == OperationView(operation)


def test_housekeeping_and_other_projects_are_not_shown(
    catalog: Catalog, call: CallFactory, make_project: MakeProject, add_operation: AddOperation
) -> None:
    with pytest.raises(errors.ProjectNotFound):
        GetOperation(catalog)(call(), COMMAND)
    make_project("reviews")
    make_project("other")
    add_operation("other", "o-1")
    with pytest.raises(errors.OperationNotFound, match="projects/reviews/operations/o-1"):
        GetOperation(catalog)(call(), COMMAND)
    add_operation("reviews", "o-1", kind=OperationKind.MERGE)
    with pytest.raises(errors.OperationNotFound):
        GetOperation(catalog)(call(), COMMAND)
