"""Giving a batch back."""

import pytest

from alservice.domain import errors
from alservice.domain.batch import Batch, BatchItemState
from alservice.usecases.release_batch import ReleaseBatch, ReleaseBatchCommand
from tests.rounds import Rounds, a_call


def release(rounds: Rounds, batch: Batch, request_id: str = "") -> Batch:
    command = ReleaseBatchCommand(rounds.project_id, batch.batch_id)
    released: Batch = rounds.wiring.make(ReleaseBatch)(a_call("R", request_id), command)
    return released


def test_what_was_not_answered_may_go_to_others_at_once(rounds: Rounds) -> None:
    batch = rounds.query(30, annotator_id="ada").batch
    rounds.label(item.item_id for item in batch.items[:3])
    released = release(rounds, batch)
    states = [item.state for item in released.items]
    assert states == [BatchItemState.ANSWERED] * 3 + [BatchItemState.RELEASED] * 27
    assert released.closed
    assert len(rounds.ask(40, annotator_id="bob")) == 37


def test_releasing_a_closed_batch_changes_nothing(rounds: Rounds) -> None:
    batch = rounds.query(3).batch
    released = release(rounds, batch)
    before = rounds.project
    assert release(rounds, batch) == released
    assert rounds.project == before


def test_a_late_retry_releases_nothing_that_was_taken_since(rounds: Rounds) -> None:
    first = rounds.query(40).batch
    release(rounds, first, "r1")
    second = rounds.query(40).batch
    release(rounds, first, "r1")
    assert not rounds.batch(second.batch_id).closed
    with pytest.raises(errors.PoolEmpty):
        rounds.query()


def test_what_is_missing_is_named(rounds: Rounds) -> None:
    for project_id, error in (("rounds", errors.BatchNotFound), ("x", errors.ProjectNotFound)):
        with pytest.raises(error):
            rounds.wiring.make(ReleaseBatch)(a_call(), ReleaseBatchCommand(project_id, "b-1"))
