"""Adding items in one call."""

from collections.abc import Callable
from typing import Any

import pytest

from alservice.domain import errors
from alservice.domain.call import Call
from alservice.domain.item import OnConflict
from alservice.domain.project import Project
from alservice.usecases import batch_add_items as module
from alservice.usecases.admit_segments import prepare
from alservice.usecases.batch_add_items import BatchAddItems, BatchAddItemsCommand
from tests.usecases.items import QUEUE_TRAINING, Pool, block, call, small_files


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
    add = BatchAddItems(items_pool.catalog, items_pool.store, QUEUE_TRAINING)
    other = Call(call().principal, "Test", "r1", "other", call().cancel)
    with pytest.raises(errors.RequestIdReused):
        add(other, BatchAddItemsCommand("items", block(["b"]), OnConflict.ERROR))


def test_no_items_are_refused(items_pool: Pool) -> None:
    with pytest.raises(errors.InvalidField):
        items_pool.add(block([]))


def test_an_id_twice_in_one_call_is_refused(items_pool: Pool) -> None:
    with pytest.raises(errors.ItemExists, match="more than once"):
        items_pool.add(block(["a", "b", "a"]), OnConflict.SKIP)


def test_a_refused_call_leaves_no_file(items_pool: Pool) -> None:
    with small_files():
        items_pool.add(block(["a"]))
        files = list(items_pool.store.stray([]))
        with pytest.raises(errors.ItemExists):
            items_pool.add(block(["b", "a"]))
    assert list(items_pool.store.stray([])) == files


def meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen once, when the segment is written and not yet live."""
    waiting = [happens]

    def first(*args: Any) -> object:
        if waiting:
            waiting.pop()()
        return prepare(*args)

    monkeypatch.setattr(module, "prepare", first)


@pytest.mark.parametrize("inline_bytes", [0, 2**20])
def test_the_slower_of_two_equal_calls_leaves_nothing(
    items_pool: Pool, monkeypatch: pytest.MonkeyPatch, inline_bytes: int
) -> None:
    removed: list[str] = []
    remove = items_pool.store.remove

    def noted(segment_id: str) -> None:
        removed.append(segment_id)
        remove(segment_id)

    monkeypatch.setattr(items_pool.store, "remove", noted)
    meanwhile(monkeypatch, lambda: items_pool.add(block(["a"]), request_id="r1"))
    with small_files(inline_bytes):
        assert items_pool.add(block(["a"]), request_id="r1").added == 1
    (live,) = items_pool.catalog.read(lambda tx: tx.segments.live("items"))
    assert len(removed) == 1 and live.segment_id not in removed
    assert items_pool.store.opened(removed[0]) is None
    assert len(items_pool.store.stray([])) == (0 if inline_bytes else 1)
    assert set(items_pool.content()) == {"a"}


def test_a_call_for_a_project_that_was_made_anew_is_refused(
    items_pool: Pool, monkeypatch: pytest.MonkeyPatch, make_project: Callable[..., Project]
) -> None:
    def anew() -> None:
        items_pool.catalog.transact(lambda tx: tx.projects.delete("items"))
        make_project("items", classes=("x", "y"))

    meanwhile(monkeypatch, anew)
    with pytest.raises(errors.Conflict, match="made anew"):
        items_pool.add(block(["a"], class_ids=("cat",)))
    assert items_pool.content() == {}


def test_an_incarnation_is_not_taken_from_a_successor(
    items_pool: Pool, make_project: Callable[..., Project]
) -> None:
    before = items_pool.project
    items_pool.catalog.transact(lambda tx: tx.projects.delete("items"))
    anew = make_project("items")
    with pytest.raises(errors.Conflict):
        items_pool.catalog.transact(lambda tx: module.take_incarnation(tx, before))
    assert items_pool.project == anew


def test_a_commit_that_came_through_and_said_it_failed_loses_nothing(
    items_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    transact: Any = items_pool.catalog.transact

    def unheard(work: Any) -> object:
        result = transact(work)
        if isinstance(result, tuple):
            raise errors.Cancelled("the answer was not heard")
        return result

    with monkeypatch.context() as patch, small_files():
        patch.setattr(items_pool.catalog, "transact", unheard)
        with pytest.raises(errors.Cancelled):
            items_pool.add(block(["a"]))
    assert set(items_pool.content()) == {"a"}
