"""One model."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from alservice.domain import errors
from alservice.domain.model import ModelRow
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog
from alservice.usecases.get_model import GetModel, GetModelCommand
from tests.usecases.conftest import CallFactory


def test_a_model_says_whether_it_is_the_one_in_use(
    catalog: Catalog,
    call: CallFactory,
    make_project: Callable[..., Project],
    add_model: Callable[..., ModelRow],
) -> None:
    project = make_project("reviews")
    row = add_model("reviews", "m-1")
    get = GetModel(catalog)
    assert get(call(), GetModelCommand("reviews", "m-1")) == (row, False)
    catalog.transact(lambda tx: tx.projects.update(replace(project, active_model_id="m-1")))
    assert get(call(), GetModelCommand("reviews", "m-1")) == (row, True)


def test_what_is_missing_is_named(
    catalog: Catalog,
    call: CallFactory,
    make_project: Callable[..., Project],
    add_model: Callable[..., ModelRow],
) -> None:
    make_project("reviews")
    make_project("other")
    add_model("other", "m-1")
    with pytest.raises(errors.ModelNotFound, match="projects/reviews/models/m-1"):
        GetModel(catalog)(call(), GetModelCommand("reviews", "m-1"))
    with pytest.raises(errors.ProjectNotFound):
        GetModel(catalog)(call(), GetModelCommand("nowhere", "m-1"))
