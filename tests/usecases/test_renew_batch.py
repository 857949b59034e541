"""Holding on to what is still open, and to nothing else."""

import pytest

from alservice.domain import errors
from alservice.domain.batch import Batch, BatchItemState
from alservice.usecases.release_batch import ReleaseBatch, ReleaseBatchCommand
from alservice.usecases.renew_batch import RenewBatch, RenewBatchCommand
from tests.rounds import Rounds, a_call
from tests.usecases.conftest import Clock

HOUR_MS = 3_600_000


def renew(
    rounds: Rounds, batch: Batch, lease_ms: int | None = None, request_id: str = ""
) -> Batch:
    command = RenewBatchCommand(rounds.project_id, batch.batch_id, lease_ms)
    call = a_call("RenewBatch", request_id)
    renewed: Batch = rounds.wiring.make(RenewBatch)(call, command)
    return renewed


def held(rounds: Rounds, batch: Batch, clock: Clock) -> set[str]:
    leases = rounds.catalog.read(lambda tx: tx.leases.live(rounds.project_id, clock.now_ms))
    return {lease.item_id for lease in leases if lease.batch_id == batch.batch_id}


@pytest.fixture
def batch(rounds: Rounds) -> Batch:
    return rounds.query(6, lease_ms=HOUR_MS, annotator_id="ada", seed=1).batch


def test_the_lease_runs_from_now_for_as_long_as_asked(
    rounds: Rounds, batch: Batch, clock: Clock
) -> None:
    clock.advance(HOUR_MS // 2)
    renewed = renew(rounds, batch, 2 * HOUR_MS)
    assert abs(renewed.expire_time_ms - (clock.now_ms + 2 * HOUR_MS)) < 100
    clock.advance(HOUR_MS)
    assert held(rounds, batch, clock) == {item.item_id for item in batch.items}
    assert abs(renew(rounds, batch).expire_time_ms - clock.now_ms - 24 * HOUR_MS) < 100


def test_what_ran_out_and_nobody_else_has_got_is_leased_again(
    rounds: Rounds, batch: Batch, clock: Clock
) -> None:
    clock.advance(2 * HOUR_MS)
    mine = {item.item_id for item in batch.items}
    lost = mine & set(rounds.ask(20, annotator_id="bob", seed=2))
    assert 0 < len(lost) < 6
    renew(rounds, batch)
    assert held(rounds, batch, clock) == mine - lost
    assert not mine & set(rounds.ask(40))


def test_what_is_answered_settled_or_deleted_is_not_leased_again(
    rounds: Rounds, batch: Batch, clock: Clock
) -> None:
    answered, deleted, born_again, *rest = [item.item_id for item in batch.items]
    rounds.label([answered])
    clock.advance(2 * HOUR_MS)
    rounds.pool.delete(deleted, born_again)
    rounds.add([born_again])
    renewed = renew(rounds, batch)
    assert held(rounds, batch, clock) == set(rest)
    states = {item.item_id: item.state for item in renewed.items}
    assert states[answered] is BatchItemState.ANSWERED
    assert states[deleted] is states[born_again] is BatchItemState.RELEASED


def test_nothing_left_to_renew_is_an_error_that_changes_nothing(
    rounds: Rounds, batch: Batch
) -> None:
    rounds.label(item.item_id for item in batch.items[:2])
    rounds.wiring.make(ReleaseBatch)(a_call(), ReleaseBatchCommand("rounds", batch.batch_id))
    before = rounds.project
    with pytest.raises(errors.BatchClosed, match=batch.batch_id):
        renew(rounds, batch)
    assert rounds.project == before
    assert set(rounds.ask(40)) >= {item.item_id for item in batch.items[2:]}


def test_a_repeated_renewal_does_not_renew_again(
    rounds: Rounds, batch: Batch, clock: Clock
) -> None:
    first = renew(rounds, batch, request_id="r1")
    clock.advance(HOUR_MS)
    assert renew(rounds, batch, request_id="r1") == first
    assert renew(rounds, batch, request_id="r2").expire_time_ms > first.expire_time_ms


@pytest.mark.parametrize("lease_ms", [0, 999, 91 * 24 * HOUR_MS])
def test_a_lease_out_of_range_is_refused(rounds: Rounds, batch: Batch, lease_ms: int) -> None:
    with pytest.raises(errors.InvalidField):
        renew(rounds, batch, lease_ms)


def test_a_missing_batch_is_named(rounds: Rounds) -> None:
    with pytest.raises(errors.BatchNotFound):
        rounds.wiring.make(RenewBatch)(a_call(), RenewBatchCommand("rounds", "b-1"))
