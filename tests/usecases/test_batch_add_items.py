"""Adding items in one call."""

import pytest

from alservice.domain import errors
from alservice.domain.call import Call
from alservice.domain.item import OnConflict
from alservice.usecases.batch_add_items import BatchAddItems, BatchAddItemsCommand
from tests.usecases.items import Pool, block, call, small_files


def test_a_retry_has_no_second_effect_and_an_equal_answer(items_pool: Pool) -> None:
    first = items_pool.add(block(["a"]), request_id="r1")
    assert items_pool.add(block(["a"]), request_id="r1") == first
    assert items_pool.project.revision == first.revision
    with pytest.raises(errors.ItemExists):
        items_pool.add(block(["a"]), request_id="r2")


def test_a_failure_is_not_remembered(items_pool: Pool) -> None:
    items_pool.add(block(["a"]))
    with pytest.raises(errors.ItemExists):
        items_pool.add(block(["a"]), request_id="r1")
    items_pool.delete("a")
    assert items_pool.add(block(["a"]), request_id="r1").added == 1


def test_a_request_id_of_another_request_is_refused(items_pool: Pool) -> None:
    items_pool.add(block(["a"]), request_id="r1")
    add = BatchAddItems(items_pool.catalog, items_pool.store)
    other = Call(call().principal, "Test", "r1", "other", call().cancel)
    with pytest.raises(errors.RequestIdReused):
        add(other, BatchAddItemsCommand("items", block(["b"]), OnConflict.ERROR))


def test_no_items_are_refused(items_pool: Pool) -> None:
    with pytest.raises(errors.InvalidField):
        items_pool.add(block([]))


def test_an_id_twice_in_one_call_is_refused(items_pool: Pool) -> None:
    with pytest.raises(errors.ItemExists, match="twice"):
        items_pool.add(block(["a", "b", "a"]), OnConflict.SKIP)


def test_a_refused_call_leaves_no_file(items_pool: Pool) -> None:
    with small_files():
        items_pool.add(block(["a"]))
        files = list(items_pool.store.stray([]))
        with pytest.raises(errors.ItemExists):
            items_pool.add(block(["b", "a"]))
    assert list(items_pool.store.stray([])) == files
