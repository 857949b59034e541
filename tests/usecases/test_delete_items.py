"""Removing items."""

import pytest

from alservice.domain import errors
from alservice.domain.item import OnConflict
from alservice.usecases.delete_items import Deleted
from tests.usecases.items import Pool, block


def test_what_is_not_there_is_counted_once(items_pool: Pool) -> None:
    items_pool.add(block(["a", "b"]))
    assert items_pool.delete("a", "x", "x", "a") == Deleted(1, 1, 2)
    assert items_pool.delete("a") == Deleted(0, 1, 2)
    assert set(items_pool.content()) == {"b"}


def test_a_label_goes_with_its_item(items_pool: Pool) -> None:
    items_pool.add(block(["a", "b"], class_ids=("cat", "dog")))
    items_pool.delete("a")
    assert (items_pool.project.item_count, items_pool.project.settled_count) == (1, 1)
    items_pool.add(block(["a"]), OnConflict.ERROR)
    assert {item.item_id: item.settled_class_id for item in items_pool.items()} == {
        "a": "",
        "b": "dog",
    }


def test_a_retry_does_not_delete_what_came_back(items_pool: Pool) -> None:
    items_pool.add(block(["a"]))
    first = items_pool.delete("a", request_id="r1")
    items_pool.add(block(["a"]))
    assert items_pool.delete("a", request_id="r1") == first
    assert set(items_pool.content()) == {"a"}


def test_a_project_is_needed(items_pool: Pool) -> None:
    items_pool.catalog.transact(lambda tx: tx.projects.delete("items"))
    with pytest.raises(errors.ProjectNotFound):
        items_pool.delete("a")
