"""Choosing the model that Query uses."""

from collections.abc import Callable

import pytest

from alservice.domain import errors
from alservice.domain.model import ModelRow, ModelState
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog
from alservice.usecases.activate_model import ActivateModel, ActivateModelCommand
from tests.usecases.conftest import CallFactory

MakeProject = Callable[..., Project]
AddModel = Callable[..., ModelRow]


def state(catalog: Catalog) -> tuple[str | None, int, int]:
    project = catalog.read(lambda tx: tx.projects.get("reviews"))
    assert project is not None
    return project.active_model_id, project.revision, project.generation


def test_a_ready_model_is_used_from_the_next_revision_on(
    catalog: Catalog, call: CallFactory, make_project: MakeProject, add_model: AddModel
) -> None:
    before = make_project("reviews")
    row = add_model("reviews", "m-1")
    activate = ActivateModel(catalog)
    assert activate(call(), ActivateModelCommand("reviews", "m-1")) == row
    assert state(catalog) == ("m-1", before.revision + 1, before.generation)
    assert activate(call(), ActivateModelCommand("reviews", "m-1")) == row
    assert state(catalog) == ("m-1", before.revision + 1, before.generation)


def test_an_older_model_can_be_brought_back(
    catalog: Catalog, call: CallFactory, make_project: MakeProject, add_model: AddModel
) -> None:
    make_project("reviews")
    add_model("reviews", "m-1", revision=1)
    add_model("reviews", "m-2", revision=9)
    activate = ActivateModel(catalog)
    for model_id in ("m-2", "m-1"):
        activate(call(), ActivateModelCommand("reviews", model_id))
        assert state(catalog)[0] == model_id


def test_a_late_retry_does_not_undo_a_later_choice(
    catalog: Catalog, call: CallFactory, make_project: MakeProject, add_model: AddModel
) -> None:
    make_project("reviews")
    first = add_model("reviews", "m-1")
    add_model("reviews", "m-2")
    activate = ActivateModel(catalog)
    activate(call("ActivateModel", "r1"), ActivateModelCommand("reviews", "m-1"))
    activate(call("ActivateModel", "r2"), ActivateModelCommand("reviews", "m-2"))
    retried = activate(call("ActivateModel", "r1"), ActivateModelCommand("reviews", "m-1"))
    assert retried == first
    assert state(catalog)[0] == "m-2"


@pytest.mark.parametrize(
    "fields",
    [{"state": ModelState.TRAINING}, {"state": ModelState.FAILED}, {"space_id": "elsewhere"}],
)
def test_a_model_that_cannot_score_is_refused(
    catalog: Catalog,
    call: CallFactory,
    make_project: MakeProject,
    add_model: AddModel,
    fields: dict[str, object],
) -> None:
    make_project("reviews")
    add_model("reviews", "m-1", **fields)
    before = state(catalog)
    with pytest.raises(errors.ModelNotReady, match="projects/reviews/models/m-1"):
        ActivateModel(catalog)(call(), ActivateModelCommand("reviews", "m-1"))
    assert state(catalog) == before


def test_a_missing_model_is_refused(
    catalog: Catalog, call: CallFactory, make_project: MakeProject
) -> None:
    make_project("reviews")
    with pytest.raises(errors.ModelNotFound):
        ActivateModel(catalog)(call(), ActivateModelCommand("reviews", "m-1"))
