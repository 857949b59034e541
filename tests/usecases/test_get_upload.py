"""Where an upload stands."""

import pytest

from alservice.domain import errors
from alservice.usecases.get_upload import GetUpload, GetUploadCommand, UploadProgress
from tests.usecases.conftest import Clock
from tests.usecases.items import Pool, block, call


def progress(pool: Pool, project_id: str = "items") -> UploadProgress:
    return GetUpload(pool.catalog)(call(), GetUploadCommand(project_id, "u"))


def test_only_what_is_durable_counts(items_pool: Pool) -> None:
    session = items_pool.open("u")
    session.append(0, block(["a", "b"]))
    assert progress(items_pool) == UploadProgress(0, None)
    session.suspend()
    assert progress(items_pool) == UploadProgress(2, None)


def test_a_committed_upload_shows_its_result(items_pool: Pool) -> None:
    session = items_pool.open("u")
    session.append(0, block(["a", "b"]))
    result = session.commit()
    assert progress(items_pool) == UploadProgress(2, result)


def test_an_upload_that_is_not_there_is_not_found(items_pool: Pool, clock: Clock) -> None:
    with pytest.raises(errors.UploadNotFound):
        progress(items_pool)
    items_pool.open("u")
    clock.advance(25 * 3_600_000)
    with pytest.raises(errors.UploadNotFound):
        progress(items_pool)
    with pytest.raises(errors.ProjectNotFound):
        progress(items_pool, "other")
