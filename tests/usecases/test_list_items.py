"""Paging through a pool."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alservice.domain import errors
from alservice.domain.page import encode_token
from alservice.usecases.list_items import ListItems, ListItemsCommand
from tests.usecases.items import Pool, block, call

IDS = [f"i{number}" for number in range(30)]


@given(st.integers(1, 40), st.lists(st.integers(1, 10), max_size=4), st.sets(st.sampled_from(IDS)))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_hold_every_item_once_in_the_order_of_their_hashes(
    items_pool: Pool, page_size: int, sizes: list[int], deleted: set[str]
) -> None:
    items_pool.delete(*IDS)
    start = 0
    for size in [*sizes, 30]:
        if chunk := IDS[start : start + size]:
            items_pool.add(block(chunk))
        start += size
    items_pool.delete("absent", *deleted)
    listed = [item.item_id for item in items_pool.items(page_size)]
    hashes = dict(zip(IDS, items_pool.store.pack(IDS).hashes.tolist(), strict=True))
    assert listed == sorted(set(IDS) - deleted, key=hashes.__getitem__)


def test_a_token_stays_good_while_the_pool_changes(items_pool: Pool) -> None:
    for start in range(0, 30, 5):
        items_pool.add(block(IDS[start : start + 5]))
    order = [item.item_id for item in items_pool.items()]
    ask = ListItems(items_pool.catalog, items_pool.store)
    first = ask(call(), ListItemsCommand("items", 10))
    items_pool.delete(order[3], order[20])
    items_pool.merge()
    rest = ask(call(), ListItemsCommand("items", 100, first.next_token))
    assert [item.item_id for item in rest.rows] == order[10:20] + order[21:]
    assert rest.next_token == ""


def test_an_empty_pool_has_one_empty_page(items_pool: Pool) -> None:
    assert items_pool.items() == []


@pytest.mark.parametrize(
    "token",
    [
        "x",
        encode_token("ListLabels", 1, "a"),
        encode_token("ListItems", "a", 1),
        encode_token("ListItems", 1),
    ],
)
def test_a_token_of_another_call_is_refused(items_pool: Pool, token: str) -> None:
    ask = ListItems(items_pool.catalog, items_pool.store)
    with pytest.raises(errors.InvalidPageToken):
        ask(call(), ListItemsCommand("items", 10, token))


def test_a_token_past_any_hash_gives_an_empty_page(items_pool: Pool) -> None:
    items_pool.add(block(["a"]))
    token = encode_token("ListItems", 2**64, "a")
    ask = ListItems(items_pool.catalog, items_pool.store)
    assert ask(call(), ListItemsCommand("items", 10, token)).rows == []
