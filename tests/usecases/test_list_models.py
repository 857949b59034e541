"""Models, page by page."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from alservice.domain import errors
from alservice.domain.model import ModelRow
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog
from alservice.usecases.list_models import ListModels, ListModelsCommand
from tests.usecases.conftest import CallFactory

MakeProject = Callable[..., Project]
AddModel = Callable[..., ModelRow]


def test_models_come_newest_first_and_one_of_them_is_active(
    catalog: Catalog, call: CallFactory, make_project: MakeProject, add_model: AddModel
) -> None:
    project = make_project("reviews")
    rows = [add_model("reviews", f"m-{i}") for i in range(5)]
    catalog.transact(lambda tx: tx.projects.update(replace(project, active_model_id="m-3")))
    listing = ListModels(catalog)
    first = listing(call(), ListModelsCommand("reviews", 3))
    second = listing(call(), ListModelsCommand("reviews", 3, first.next_token))
    assert [*first.rows, *second.rows] == [(row, row.model_id == "m-3") for row in rows[::-1]]
    assert first.next_token and not second.next_token


def test_a_token_of_another_project_is_refused(
    catalog: Catalog, call: CallFactory, make_project: MakeProject, add_model: AddModel
) -> None:
    for name in ("one", "other"):
        make_project(name)
        add_model(name, "m-1")
        add_model(name, "m-2")
    listing = ListModels(catalog)
    token = listing(call(), ListModelsCommand("one", 1)).next_token
    with pytest.raises(errors.InvalidPageToken):
        listing(call(), ListModelsCommand("other", 1, token))


def test_a_missing_project_is_not_an_empty_list(catalog: Catalog, call: CallFactory) -> None:
    with pytest.raises(errors.ProjectNotFound):
        ListModels(catalog)(call(), ListModelsCommand("reviews"))
