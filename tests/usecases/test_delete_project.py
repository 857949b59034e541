"""Removing projects."""

from collections.abc import Callable

import pytest

from alservice.domain import errors
from alservice.domain.operation import Operation, OperationKind
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog
from alservice.usecases.delete_project import DeleteProject, DeleteProjectCommand
from tests.usecases.conftest import CallFactory

MakeProject = Callable[..., Project]


def test_a_project_goes_with_its_operations_and_leaves_others_alone(
    catalog: Catalog, call: CallFactory, make_project: MakeProject
) -> None:
    make_project("reviews")
    other = make_project("other")
    train = Operation(operation_id="o-1", project_id="reviews", kind=OperationKind.TRAIN)
    catalog.transact(lambda tx: tx.operations.insert(train))
    DeleteProject(catalog)(call(), DeleteProjectCommand("reviews"))
    assert catalog.read(lambda tx: tx.projects.page("", 10)) == [other]
    assert catalog.transact(lambda tx: tx.operations.claim("me", 0, 1)) is None


def test_a_retry_succeeds_but_a_second_deletion_does_not(
    catalog: Catalog, call: CallFactory, make_project: MakeProject
) -> None:
    make_project("reviews")
    delete = DeleteProject(catalog)
    delete(call("DeleteProject", "r1"), DeleteProjectCommand("reviews"))
    delete(call("DeleteProject", "r1"), DeleteProjectCommand("reviews"))
    with pytest.raises(errors.ProjectNotFound):
        delete(call("DeleteProject", "r2"), DeleteProjectCommand("reviews"))


def test_a_retry_does_not_delete_a_new_project_of_the_same_id(
    catalog: Catalog, call: CallFactory, make_project: MakeProject
) -> None:
    make_project("reviews")
    delete = DeleteProject(catalog)
    delete(call("DeleteProject", "r1"), DeleteProjectCommand("reviews"))
    again = make_project("reviews")
    delete(call("DeleteProject", "r1"), DeleteProjectCommand("reviews"))
    assert catalog.read(lambda tx: tx.projects.get("reviews")) == again


def test_a_stale_etag_keeps_the_project(
    catalog: Catalog, call: CallFactory, make_project: MakeProject
) -> None:
    made = make_project("reviews")
    with pytest.raises(errors.EtagMismatch):
        DeleteProject(catalog)(call(), DeleteProjectCommand("reviews", "stale"))
    assert catalog.read(lambda tx: tx.projects.get("reviews")) == made
    DeleteProject(catalog)(call(), DeleteProjectCommand("reviews", made.etag))
    assert catalog.read(lambda tx: tx.projects.get("reviews")) is None
