"""The rows of a snapshot that may be chosen, by arm, and the items that ranked rows are."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from alservice.core import Block, CancelFlag, Ranked
from alservice.domain.batch import Arm
from alservice.domain.item import Role
from alservice.ports.scoring import PoolScoring
from alservice.usecases.open_blocks import (
    anchors,
    candidates,
    count_open,
    held_rows,
    open_blocks,
)
from alservice.usecases.snapshot import Snapshot, Snapshots
from tests.rounds import Rounds, ids, vectors_of


def snapshot_of(rounds: Rounds) -> Snapshot:
    snapshots: Snapshots = rounds.wiring.make(Snapshots)
    return snapshots.take(rounds.project_id, "ada", lambda *_: None)[0]


def open_ids(snapshot: Snapshot, blocks: Sequence[Block]) -> set[str]:
    found: set[str] = set()
    for opened, block in zip(snapshot.pool, blocks, strict=True):
        flags = np.unpackbits(block.excluded, count=opened.reader.rows, bitorder="little")
        found |= set(opened.reader.item_ids(np.flatnonzero(flags == 0).astype(np.int64)))
    assert len(found) == count_open(blocks)
    return found


@pytest.fixture
def busy(start: Callable[..., Rounds]) -> Rounds:
    """Two segments in which everything has happened."""
    rounds = start(reserve_share=0.3, strategy="random")
    rounds.add(ids(50))
    rounds.add(ids(5, 50), role=Role.TEST)
    rounds.label(ids(7))
    rounds.pool.delete("i7", "i8")
    rounds.query(6)
    return rounds


def test_each_arm_may_choose_its_own_part_of_what_is_free(busy: Rounds) -> None:
    seen = snapshot_of(busy)
    held = held_rows(seen, busy.store)
    leased = {lease.item_id for lease in seen.leases}
    free = set(ids(41, 9)) - leased
    reserve = busy.reserved()
    assert len(leased) == 6 and reserve & free
    assert open_ids(seen, open_blocks(seen, held, Arm.STRATEGY)) == free - reserve
    assert open_ids(seen, open_blocks(seen, held, Arm.AUDIT)) == free & reserve


def test_anchors_are_the_vectors_of_held_items_and_of_those_whose_labels_train(
    busy: Rounds,
) -> None:
    busy.label(ids(3, 50))  # of role TEST: they train nothing
    seen = snapshot_of(busy)
    held = held_rows(seen, busy.store)
    blocks = open_blocks(seen, held, Arm.STRATEGY)
    found = anchors(seen, blocks, held, busy.wiring.make(PoolScoring), CancelFlag())
    assert (found.classes >= 0).sum() == 7 == len(found.row)
    known = [*ids(7), *(lease.item_id for lease in seen.leases)]
    assert {tuple(row) for row in found.vectors.tolist()} == {
        tuple(v) for v in vectors_of(known).tolist()
    }


def test_ranked_rows_become_items_in_the_same_order(rounds: Rounds) -> None:
    rounds.add(ids(5, 50))
    seen = snapshot_of(rounds)
    ranked = Ranked(
        block=np.array([1, 0, 1]), row=np.array([4, 9, 0]), score=np.array([3, 2, 1], np.float32)
    )
    found = candidates(seen, ranked, Arm.STRATEGY)
    assert [c.item_id for c in found] == ["i54", "i9", "i50"]
    assert [(c.segment, c.row, c.score) for c in found] == [(1, 4, 3.0), (0, 9, 2.0), (1, 0, 1.0)]
    assert [c.incarnation for c in found] == [2, 1, 2]


def test_a_lease_on_an_earlier_life_holds_nothing(busy: Rounds) -> None:
    seen = snapshot_of(busy)
    lease = seen.leases[0]
    busy.pool.delete(lease.item_id)
    busy.add([lease.item_id])
    again = snapshot_of(busy)
    held = held_rows(
        Snapshot(
            project=again.project,
            now_ms=again.now_ms,
            pool_version=again.pool_version,
            pool=again.pool,
            masks=again.masks,
            leases=[lease],
            abstained=[(lease.item_id, lease.incarnation)],
        ),
        busy.store,
    )
    assert len(held[0]) == 0
