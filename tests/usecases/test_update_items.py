"""Changing items."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from alservice.domain import errors
from alservice.domain.item import Attributes, ContentPart, Item
from alservice.domain.project import DType
from alservice.usecases.update_items import UpdateItems, UpdateItemsCommand
from alservice.usecases.write_segments import SegmentFiller
from tests.usecases.items import Pool, block, call, small_files

OLD = Attributes("old", ("t",), (ContentPart(text="old"),), '{"a":1}')
NEW = Attributes("new", ("u",), (ContentPart(text="new"),), '{"a":2}')


def update(pool: Pool, *paths: str, cost: float = 7.0, new: Attributes = NEW) -> None:
    costs = np.array([cost], np.float32)
    command = UpdateItemsCommand("items", ("a",), costs, (new,), paths)
    UpdateItems(pool.catalog, pool.store)(call(), command)


def item(pool: Pool) -> Item:
    (found,) = pool.items()
    return found


@pytest.fixture
def changed(items_pool: Pool) -> Pool:
    costs = np.array([1], np.float32)
    items_pool.add(block(["a"], costs=costs, attributes=(OLD,), class_ids=("cat",)))
    return items_pool


@pytest.mark.parametrize(
    ("path", "field"),
    [("group", "group"), ("tags", "tags"), ("content", "content"), ("metadata", "metadata_json")],
)
def test_only_what_the_mask_names_is_changed(changed: Pool, path: str, field: str) -> None:
    update(changed, path)
    now = item(changed)
    for name in ("group", "tags", "content", "metadata_json"):
        expected = NEW if name == field else OLD
        assert getattr(now.attributes, name) == getattr(expected, name)
    assert now.cost == 1.0


def test_a_cost_is_changed_and_taken_back(changed: Pool) -> None:
    update(changed, "cost")
    assert item(changed).cost == 7.0
    update(changed, "cost", cost=np.nan)
    assert item(changed).cost is None
    assert item(changed).attributes == OLD


def test_the_life_the_vector_and_the_label_stay(changed: Pool) -> None:
    before = item(changed)
    update(changed, "group", "cost")
    after = item(changed)
    assert before.vector is not None and after.vector is not None
    assert np.array_equal(before.vector, after.vector)
    assert (after.incarnation, after.role) == (before.incarnation, before.role)
    assert after.settled_class_id == "cat"
    assert changed.project.settled_count == 1


@pytest.mark.parametrize("paths", [(), ("vector",), ("group", "role")])
def test_a_mask_that_names_nothing_or_too_much_is_refused(
    changed: Pool, paths: tuple[str, ...]
) -> None:
    with pytest.raises(errors.InvalidUpdateMask):
        update(changed, *paths)


def test_values_are_checked_as_on_upload(changed: Pool) -> None:
    with pytest.raises(errors.InvalidField):
        update(changed, "cost", cost=-1)
    with pytest.raises(errors.InvalidField):
        update(changed, "content", new=Attributes(content=(ContentPart(),)))


def test_missing_items_are_named_and_nothing_is_changed(items_pool: Pool) -> None:
    items_pool.add(block(["a"]))
    with pytest.raises(errors.ItemNotFound) as caught:
        items_pool.regroup("a", "b", "c", group="g")
    assert caught.value.metadata == {"item_ids": "b, c", "count": "2"}
    assert item(items_pool).attributes.group == ""


def test_an_item_twice_in_one_call_is_refused(items_pool: Pool) -> None:
    items_pool.add(block(["a"]))
    with pytest.raises(errors.InvalidField):
        items_pool.regroup("a", "a", group="g")


def test_a_retry_has_no_second_effect(items_pool: Pool) -> None:
    items_pool.add(block(["a"]))
    first = items_pool.regroup("a", group="g", request_id="r1")
    items_pool.regroup("a", group="h")
    assert items_pool.regroup("a", group="g", request_id="r1") == first
    assert item(items_pool).attributes.group == "h"


def test_items_that_move_meanwhile_are_changed_where_they_are_now(
    items_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    items_pool.add(block(["a"]))
    items_pool.add(block(["b"]))
    plan = UpdateItems._plan
    moved: list[int] = []

    def plan_and_lose_the_race(self: UpdateItems, command: UpdateItemsCommand) -> object:
        found = plan(self, command)
        if not moved:
            moved.append(items_pool.merge())
        return found

    monkeypatch.setattr(UpdateItems, "_plan", plan_and_lose_the_race)
    with small_files():
        items_pool.regroup("a", "b", group="g")
    assert moved == [2]
    assert {found.attributes.group for found in items_pool.items()} == {"g"}


def test_the_slower_of_two_equal_calls_leaves_no_file(
    items_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    items_pool.add(block(["a"]))
    swap: Any = UpdateItems._plan
    inner: list[object] = []

    def twin_first(self: UpdateItems, command: UpdateItemsCommand) -> object:
        plan = swap(self, command)
        if not inner:
            inner.append(None)
            inner.append(items_pool.regroup("a", group="g", request_id="r1"))
        return plan

    monkeypatch.setattr(UpdateItems, "_plan", twin_first)
    with small_files():
        assert items_pool.regroup("a", group="g", request_id="r1") == inner[1]
    live = items_pool.catalog.read(lambda tx: tx.segments.live("items"))
    assert [s.segment_id for s in live if s.live_rows] == list(items_pool.store.stray([]))


def test_one_number_format_that_fails_leaves_nothing_of_the_others(
    items_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    halves = block(["b"])
    items_pool.add(block(["a"]))
    project = items_pool.project
    half = replace(project, space=replace(project.space, dtype=DType.F16))
    items_pool.catalog.transact(lambda tx: tx.projects.update(half))
    items_pool.add(halves)
    seal = SegmentFiller.seal
    sealed: list[object] = []

    def second_fails(self: Any) -> object:
        if sealed:
            raise errors.DiskFull("no room")
        sealed.append(seal(self))
        return sealed[0]

    with monkeypatch.context() as patch, small_files():
        patch.setattr(SegmentFiller, "seal", second_fails)
        with pytest.raises(errors.DiskFull):
            items_pool.regroup("a", "b", group="g")
    assert len(sealed) == 1
    assert list(items_pool.store.stray([])) == []
    assert {group for _, group in items_pool.content().values()} == {""}
