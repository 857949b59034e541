"""Operations, page by page."""

from collections.abc import Callable

import pytest

from alservice.domain import errors
from alservice.domain.operation import Operation, OperationKind
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog
from alservice.usecases.list_operations import ListOperations, ListOperationsCommand
from tests.usecases.conftest import CallFactory

MakeProject = Callable[..., Project]
AddOperation = Callable[..., Operation]


def test_operations_come_newest_first_without_housekeeping(
    catalog: Catalog, call: CallFactory, make_project: MakeProject, add_operation: AddOperation
) -> None:
    make_project("reviews")
    made = []
    for i in range(5):
        made.append(add_operation("reviews", f"o-{i}"))
        add_operation("reviews", f"merge-{i}", kind=OperationKind.MERGE)
    listing = ListOperations(catalog)
    first = listing(call(), ListOperationsCommand("reviews", page_size=3))
    again = ListOperationsCommand("reviews", page_size=3, page_token=first.next_token)
    second = listing(call(), again)
    assert [v.operation for v in [*first.rows, *second.rows]] == made[::-1]
    assert not second.next_token


def test_a_filter_is_refused_rather_than_ignored(
    catalog: Catalog, call: CallFactory, make_project: MakeProject
) -> None:
    make_project("reviews")
    with pytest.raises(errors.NotBuilt):
        ListOperations(catalog)(call(), ListOperationsCommand("reviews", filter="done"))


def test_a_missing_project_is_not_an_empty_list(catalog: Catalog, call: CallFactory) -> None:
    with pytest.raises(errors.ProjectNotFound):
        ListOperations(catalog)(call(), ListOperationsCommand("reviews"))
