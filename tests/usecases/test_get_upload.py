"""Where an upload stands."""

from dataclasses import replace

import pytest

from alservice.domain import errors
from alservice.domain.segment import SegmentState
from alservice.usecases.get_upload import GetUpload, GetUploadCommand, UploadProgress
from tests.usecases.conftest import Clock
from tests.usecases.items import Pool, block, call, small_files


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


def test_an_upload_of_which_a_part_is_gone_is_not_found_for_it_begins_anew(
    items_pool: Pool,
) -> None:
    with small_files():
        session = items_pool.open("u")
        for number, item_id in enumerate("ab"):
            session.append(number, block([item_id]))
            session.suspend()
    assert progress(items_pool) == UploadProgress(2, None)
    catalog = items_pool.catalog
    lost, _ = catalog.read(lambda tx: tx.segments.of_upload("items", "u"))
    gone = replace(lost, state=SegmentState.DEAD)
    catalog.transact(lambda tx: tx.segments.store(gone, None))
    with pytest.raises(errors.UploadNotFound, match="begin it"):
        progress(items_pool)
    assert items_pool.open("u").position == 0
    assert progress(items_pool) == UploadProgress(0, None)
