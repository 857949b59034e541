"""One item."""

import numpy as np
import pytest

from alservice.domain import errors
from alservice.domain.item import Attributes, ContentPart, Item, Role
from alservice.usecases.get_item import GetItem, GetItemCommand
from tests.usecases.items import Pool, block, call, vector_of


def get(pool: Pool, item_id: str, *, vector: bool = False) -> Item:
    return GetItem(pool.catalog, pool.store)(call(), GetItemCommand("items", item_id, vector))


def test_an_item_comes_back_as_it_was_sent(items_pool: Pool) -> None:
    sent = Attributes("g", ("x", "y"), (ContentPart("text/plain", text="hi"),), '{"a":1}')
    items_pool.add(
        block(
            ["a", "b"],
            roles=np.array([Role.TEST, Role.POOL], np.uint8),
            costs=np.array([2.5, np.nan], np.float32),
            attributes=(sent, Attributes()),
            class_ids=("cat", ""),
        )
    )
    item = get(items_pool, "a", vector=True)
    assert item.vector is not None and item.vector.tolist() == vector_of("a")
    assert (item.role, item.cost, item.attributes) == (Role.TEST, 2.5, sent)
    assert (item.settled_class_id, item.reserved) == ("cat", False)
    other = get(items_pool, "b")
    assert (other.vector, other.cost, other.settled_class_id) == (None, None, "")


def test_an_item_that_is_not_there_is_not_found(items_pool: Pool) -> None:
    items_pool.add(block(["a"]))
    items_pool.delete("a")
    with pytest.raises(errors.ItemNotFound) as caught:
        get(items_pool, "a")
    assert caught.value.metadata == {"item_ids": "a", "count": "1"}
