"""Opening uploads."""

import pytest

from alservice.domain import errors
from alservice.domain.item import OnConflict
from alservice.usecases.add_items import AddItems, UploadHeader
from tests.sweeping import sweeper
from tests.usecases.conftest import Clock
from tests.usecases.items import QUEUE_TRAINING, Pool, block, call, small_files

HOUR_MS = 3_600_000


def test_each_upload_has_an_incarnation_of_its_own(items_pool: Pool) -> None:
    first, second, again = (items_pool.open(name) for name in ("u", "", "u"))
    assert first.upload.incarnation == again.upload.incarnation == 1
    assert second.upload.incarnation == 2
    assert items_pool.project.next_incarnation == 3


def test_the_header_must_stay_the_same(items_pool: Pool) -> None:
    items_pool.open("u", OnConflict.SKIP)
    with pytest.raises(errors.UploadProtocol) as caught:
        items_pool.open("u", OnConflict.REPLACE)
    assert caught.value.metadata["expected"] == "SKIP"


def test_an_upload_needs_a_project(items_pool: Pool) -> None:
    add = AddItems(items_pool.catalog, items_pool.store, QUEUE_TRAINING)
    with pytest.raises(errors.ProjectNotFound):
        add.open(call(), UploadHeader("itmes"))


def test_going_on_buys_another_day(items_pool: Pool, clock: Clock) -> None:
    with small_files():
        session = items_pool.open("u")
        session.append(0, block(["a"]))
        session.suspend()
        for _ in range(3):
            clock.advance(20 * HOUR_MS)
            sweeper(items_pool.catalog, items_pool.store)()
            assert items_pool.open("u").position == 1
        assert items_pool.open("u").commit().added == 1


def test_an_upload_that_nobody_goes_on_with_is_gone_after_a_day(
    items_pool: Pool, clock: Clock
) -> None:
    with small_files():
        session = items_pool.open("u")
        session.append(0, block(["a"]))
        session.suspend()
        clock.advance(25 * HOUR_MS)
        fresh = items_pool.open("u", OnConflict.SKIP)
        assert fresh.position == 0
        fresh.append(0, block(["b"]))
        assert fresh.commit().added == 1
    assert set(items_pool.content()) == {"b"}
    sweeper(items_pool.catalog, items_pool.store)()
    assert len(items_pool.store.stray([])) == 1
