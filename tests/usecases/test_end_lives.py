"""What goes with an item."""

import pytest

from alservice.domain.batch import Arm, Batch, BatchItem, BatchItemState, Lease
from alservice.domain.label import Outcome, Provenance, Settled
from alservice.ports.catalog import Tx
from alservice.usecases import end_lives as module
from alservice.usecases.end_lives import end_lives
from tests.usecases.items import Pool


def settled(item_id: str, incarnation: int) -> Settled:
    return Settled(
        item_id=item_id,
        incarnation=incarnation,
        outcome=Outcome.VALUE,
        class_id="cat",
        provenance=Provenance.QUERIED,
        weight=1.0,
        label_seq=1,
        revision=1,
    )


def lease_out(tx: Tx, *item_ids: str) -> None:
    items = tuple(
        BatchItem(item_id=item_id, incarnation=1, rank=rank, score=0.5, arm=Arm.STRATEGY)
        for rank, item_id in enumerate(item_ids)
    )
    batch = Batch(
        batch_id="b-1",
        annotator_id="anna",
        items=items,
        expire_time_ms=tx.now_ms() + 1000,
        create_time_ms=tx.now_ms(),
        strategy="margin",
        strategy_version=1,
        model_id=None,
        seed=0,
        revision=1,
    )
    leases = [
        Lease(
            item_id=item.item_id,
            incarnation=1,
            slot=0,
            batch_id="b-1",
            annotator_id="anna",
            expire_time_ms=batch.expire_time_ms,
        )
        for item in items
    ]
    tx.batches.insert("items", batch)
    tx.leases.insert("items", leases)


@pytest.mark.parametrize("many", [1, 5000])
def test_labels_leases_and_places_in_batches_go_and_nothing_else(
    items_pool: Pool, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(module, "_MANY", many)

    def before(tx: Tx) -> None:
        tx.labels.settle("items", [settled("a", 1), settled("a", 2), settled("b", 1)])
        lease_out(tx, "a", "b", "c")

    items_pool.catalog.transact(before)
    keys = [("a", 1), ("c", 1), ("d", 1)]
    assert items_pool.catalog.transact(lambda tx: end_lives(tx, "items", keys)) == 1

    def after(tx: Tx) -> None:
        left = tx.labels.settled_of("items", ["a", "b", "c", "d"])
        assert set(left) == {("a", 2), ("b", 1)}
        assert [lease.item_id for lease in tx.leases.live("items", 0)] == ["b"]
        batch = tx.batches.get("items", "b-1")
        assert batch is not None
        states = {item.item_id: item.state for item in batch.items}
        assert states == {
            "a": BatchItemState.RELEASED,
            "b": BatchItemState.OPEN,
            "c": BatchItemState.RELEASED,
        }

    items_pool.catalog.read(after)
