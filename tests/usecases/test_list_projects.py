"""Projects, page by page."""

from collections.abc import Callable

import pytest

from alservice.domain import errors
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog
from alservice.usecases.list_projects import ListProjects, ListProjectsCommand
from tests.usecases.conftest import CallFactory


@pytest.mark.parametrize("page_size", [1, 2, 3, 5, 6, 1_000])
def test_the_pages_hold_each_project_once_in_order(
    catalog: Catalog, call: CallFactory, make_project: Callable[..., Project], page_size: int
) -> None:
    for name in ("e", "b", "a", "d", "c"):
        make_project(name)
    listing, token, found = ListProjects(catalog), "", []
    for _ in range(6):
        page = listing(call(), ListProjectsCommand(page_size, token))
        assert len(page.rows) <= page_size
        found += [p.project_id for p in page.rows]
        token = page.next_token
        if not token:
            break
    assert found == ["a", "b", "c", "d", "e"]
    assert token == ""


def test_a_project_made_between_two_pages_shifts_nothing(
    catalog: Catalog, call: CallFactory, make_project: Callable[..., Project]
) -> None:
    for name in ("b", "c", "d"):
        make_project(name)
    first = ListProjects(catalog)(call(), ListProjectsCommand(2))
    make_project("a")
    second = ListProjects(catalog)(call(), ListProjectsCommand(2, first.next_token))
    assert [p.project_id for p in [*first.rows, *second.rows]] == ["b", "c", "d"]


def test_no_page_size_means_fifty(
    catalog: Catalog, call: CallFactory, make_project: Callable[..., Project]
) -> None:
    for _ in range(51):
        make_project()
    page = ListProjects(catalog)(call(), ListProjectsCommand())
    assert len(page.rows) == 50 and page.next_token


@pytest.mark.parametrize("token", ["x", "é", "W10", "WyJMaXN0SXRlbXMiLCJhIl0", "a" * 999])
def test_a_token_of_somebody_else_is_refused(
    catalog: Catalog, call: CallFactory, token: str
) -> None:
    with pytest.raises(errors.InvalidPageToken):
        ListProjects(catalog)(call(), ListProjectsCommand(10, token))


@pytest.mark.parametrize("page_size", [-1, 1_001])
def test_a_page_size_out_of_range_is_refused(
    catalog: Catalog, call: CallFactory, page_size: int
) -> None:
    with pytest.raises(errors.InvalidField):
        ListProjects(catalog)(call(), ListProjectsCommand(page_size))
