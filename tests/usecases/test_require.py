"""Looking up what a request names."""

from collections.abc import Callable

import pytest

from alservice.domain import errors
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases import require

LOOKUPS: dict[str, Callable[[Tx, str], object]] = {
    "project": require.require_project,
    "lock": require.lock_project,
    "batch": lambda tx, p: require.require_batch(tx, p, "x-1"),
    "model": lambda tx, p: require.require_model(tx, p, "x-1"),
    "operation": lambda tx, p: require.require_operation(tx, p, "x-1"),
}


@pytest.mark.parametrize("lookup", LOOKUPS.values(), ids=LOOKUPS.keys())
def test_a_missing_project_is_named_before_all_that_it_would_hold(
    catalog: Catalog, make_project: Callable[..., Project], lookup: Callable[[Tx, str], object]
) -> None:
    make_project("reviews")
    with pytest.raises(errors.ProjectNotFound) as caught:
        catalog.transact(lambda tx: lookup(tx, "revews"))
    assert caught.value.metadata["did_you_mean"] == "reviews"


@pytest.mark.parametrize("kind", ["batch", "model", "operation"])
def test_what_a_project_lacks_is_named_in_full(
    catalog: Catalog, make_project: Callable[..., Project], kind: str
) -> None:
    make_project("reviews")
    with pytest.raises(errors.NotFound) as caught:
        catalog.transact(lambda tx: LOOKUPS[kind](tx, "reviews"))
    name = caught.value.metadata[kind]
    assert name.startswith("projects/reviews/") and name.endswith("/x-1")
    assert name in str(caught.value)


def test_an_empty_etag_is_not_checked_and_a_stale_one_refused(
    make_project: Callable[..., Project],
) -> None:
    project = make_project("reviews")
    require.check_etag(project, "")
    require.check_etag(project, project.etag)
    with pytest.raises(errors.EtagMismatch) as caught:
        require.check_etag(project, "stale")
    assert caught.value.metadata == {"etag": "stale", "current": project.etag}
