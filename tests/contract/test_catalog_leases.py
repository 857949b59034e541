"""Leases and batches: nobody is asked what somebody else is asked."""

from dataclasses import replace

import pytest

from alservice.domain.batch import Arm, Batch, BatchItem, BatchItemState, Lease
from alservice.domain.errors import Conflict
from alservice.ports.catalog import Catalog, Tx
from tests.contract.catalog_rows import P, a_batch, a_lease, states

OPEN, ANSWERED, RELEASED = BatchItemState


def lease(catalog: Catalog, *leases: Lease) -> None:
    catalog.transact(lambda tx: tx.leases.insert(P, leases))


def hand_out(catalog: Catalog, *batches: Batch) -> None:
    def work(tx: Tx) -> None:
        for batch in batches:
            tx.batches.insert(P, batch)

    catalog.transact(work)


def test_a_lease_lives_until_the_moment_it_ends(catalog: Catalog) -> None:
    rows = [
        a_lease("a", expire_time_ms=10),
        a_lease("b", expire_time_ms=11, slot=3, incarnation=2),
    ]
    lease(catalog, *rows)
    assert catalog.read(lambda tx: tx.leases.live(P, 9)) == rows
    assert catalog.read(lambda tx: tx.leases.live(P, 10)) == rows[1:]
    assert catalog.read(lambda tx: tx.leases.of_items(P, ["a", "b", "c"])) == rows
    assert catalog.read(lambda tx: tx.leases.live("other", 0)) == []


def test_a_taken_slot_is_a_conflict_and_nothing_of_the_attempt_stays(catalog: Catalog) -> None:
    lease(catalog, a_lease("a"))
    with pytest.raises(Conflict):
        lease(catalog, a_lease("b"), a_lease("a", batch_id="b-2"))
    assert catalog.read(lambda tx: tx.leases.live(P, 0)) == [a_lease("a")]


def test_another_slot_another_life_and_another_project_are_free(catalog: Catalog) -> None:
    lease(catalog, a_lease("a"))
    lease(catalog, a_lease("a", slot=1), a_lease("a", incarnation=2))
    catalog.transact(lambda tx: tx.leases.insert("other", [a_lease("a")]))
    assert len(catalog.read(lambda tx: tx.leases.live(P, 0))) == 3


def test_leases_go_by_item_by_batch_or_by_both(catalog: Catalog) -> None:
    lease(
        catalog,
        a_lease("a"),
        a_lease("a", slot=1, batch_id="b-2"),
        a_lease("b"),
        a_lease("c", incarnation=2),
        a_lease("d", batch_id="b-2"),
    )

    def left() -> list[tuple[str, str]]:
        return [(x.item_id, x.batch_id) for x in catalog.read(lambda tx: tx.leases.live(P, 0))]

    catalog.transact(lambda tx: tx.leases.release(P, "b-2", ["a", "b"]))
    assert left() == [("a", "b-1"), ("b", "b-1"), ("c", "b-1"), ("d", "b-2")]
    catalog.transact(lambda tx: tx.leases.delete(P, iter([("a", 1), ("c", 1)])))
    assert left() == [("b", "b-1"), ("c", "b-1"), ("d", "b-2")]
    catalog.transact(lambda tx: tx.leases.delete_batch(P, "b-1"))
    assert left() == [("d", "b-2")]


def test_only_run_out_leases_among_those_items_are_reclaimed(catalog: Catalog) -> None:
    late, live = a_lease("a", expire_time_ms=10), a_lease("a", slot=1, expire_time_ms=11)
    elsewhere = a_lease("z", expire_time_ms=1)
    lease(catalog, late, live, elsewhere)
    assert catalog.transact(lambda tx: tx.leases.reclaim(P, ["a", "b"], 10)) == [late]
    assert catalog.transact(lambda tx: tx.leases.reclaim(P, ["a", "b"], 10)) == []
    assert catalog.read(lambda tx: tx.leases.live(P, 0)) == [live, elsewhere]


def test_every_field_of_a_batch_comes_back_in_rank_order(catalog: Catalog) -> None:
    items = (
        BatchItem(item_id="z", incarnation=2**40, rank=0, score=float("inf"), arm=Arm.STRATEGY),
        BatchItem(
            item_id="a",
            incarnation=1,
            rank=1,
            score=-1.5,
            arm=Arm.AUDIT,
            propensity=0.125,
            components={"margin": 0.5},
            state=RELEASED,
        ),
    )
    batch = replace(a_batch("b-1"), items=items, model_id="m-1", annotator_id="bob")
    hand_out(catalog, batch)
    assert catalog.read(lambda tx: tx.batches.get(P, "b-1")) == batch
    assert catalog.read(lambda tx: tx.batches.get(P, "b-2")) is None
    assert catalog.read(lambda tx: tx.batches.get("other", "b-1")) is None


def test_a_batch_closes_with_its_last_open_item_and_opens_again(catalog: Catalog) -> None:
    hand_out(catalog, a_batch("b-1", "x", "y"), a_batch("b-2", "x"))

    def change(item_id: str, state: BatchItemState) -> tuple[bool, list[BatchItemState]]:
        catalog.transact(lambda tx: tx.batches.set_state(P, "b-1", [item_id], state))
        batch = catalog.read(lambda tx: tx.batches.get(P, "b-1"))
        assert batch is not None
        return batch.closed, states(batch)

    assert change("x", ANSWERED) == (False, [ANSWERED, OPEN])
    assert change("y", RELEASED) == (True, [ANSWERED, RELEASED])
    assert change("y", OPEN) == (False, [ANSWERED, OPEN])
    assert catalog.read(lambda tx: tx.batches.get(P, "b-2")) == a_batch("b-2", "x")


def pages(catalog: Catalog, *, annotator_id: str = "", open_only: bool = False) -> list[str]:
    """All batch ids, two by two."""

    def page(tx: Tx) -> list[str]:
        before = tx.batches.cursor(P, found[-1]) if found else ""
        batches = tx.batches.page(P, before, 2, annotator_id=annotator_id, open_only=open_only)
        assert len(batches) <= 2
        assert all(batch.items for batch in batches)
        return [batch.batch_id for batch in batches]

    found: list[str] = []
    while batch_ids := catalog.read(page):
        found += batch_ids
    return found


def test_pages_of_batches_go_from_the_newest_and_filter(catalog: Catalog) -> None:
    hand_out(
        catalog,
        a_batch("b-1", "x", create_time_ms=5),
        a_batch("b-5", "x", create_time_ms=7, closed=True),
        a_batch("b-3", "x", create_time_ms=7, annotator_id="bob"),
        a_batch("b-4", "x", create_time_ms=7),
        a_batch("b-2", "x", create_time_ms=100),
    )
    assert pages(catalog) == ["b-2", "b-5", "b-4", "b-3", "b-1"]
    assert pages(catalog, annotator_id="ada") == ["b-2", "b-5", "b-4", "b-1"]
    assert pages(catalog, open_only=True) == ["b-2", "b-4", "b-3", "b-1"]
    assert pages(catalog, annotator_id="bob", open_only=True) == ["b-3"]


def test_the_oldest_open_batch_is_ones_own_and_still_leased(catalog: Catalog) -> None:
    hand_out(
        catalog,
        a_batch("b-1", "x", create_time_ms=1, expire_time_ms=10),
        a_batch("b-2", "x", create_time_ms=2, closed=True),
        a_batch("b-3", "x", create_time_ms=3, annotator_id="bob"),
        a_batch("b-4", "x", create_time_ms=4),
        a_batch("b-5", "x", create_time_ms=5),
    )

    def oldest(now_ms: int) -> str:
        batch = catalog.read(lambda tx: tx.batches.oldest_open(P, "ada", now_ms))
        return "" if batch is None else batch.batch_id

    assert [oldest(9), oldest(10), oldest(1000)] == ["b-1", "b-4", ""]
    catalog.transact(lambda tx: tx.batches.extend(P, "b-1", 11))
    assert oldest(10) == "b-1"


def test_an_item_knows_in_which_batches_it_was(catalog: Catalog) -> None:
    newer = a_batch("b-1", "x", "y", create_time_ms=9)
    audit = replace(newer.items[1], arm=Arm.AUDIT, incarnation=2, state=ANSWERED)
    hand_out(catalog, a_batch("b-9", "x"), replace(newer, items=(newer.items[0], audit)))
    assert catalog.read(lambda tx: tx.batches.of_items(P, ["x", "y", "z"])) == {
        ("x", 1): [("b-1", "strategy", "open", "ada"), ("b-9", "strategy", "open", "ada")],
        ("y", 2): [("b-1", "audit", "answered", "ada")],
    }
