"""A batch as its owner sees it."""

import pytest

from alservice.domain import errors
from alservice.domain.batch import BatchItemState
from alservice.usecases.get_batch import GetBatch, GetBatchCommand
from tests.rounds import Rounds, a_call


def test_a_batch_shows_how_far_each_item_has_come(rounds: Rounds) -> None:
    batch = rounds.query(4).batch
    rounds.label([batch.items[1].item_id])
    found = rounds.wiring.make(GetBatch)(a_call(), GetBatchCommand("rounds", batch.batch_id))
    states = [item.state for item in found.batch.items]
    assert states.count(BatchItemState.ANSWERED) == 1
    assert states[1] is BatchItemState.ANSWERED and not found.batch.closed
    assert len(found.contents) == 4
    command = GetBatchCommand("rounds", batch.batch_id, with_content=False)
    assert rounds.wiring.make(GetBatch)(a_call(), command).contents == ()


def test_what_is_missing_is_named(rounds: Rounds) -> None:
    get: GetBatch = rounds.wiring.make(GetBatch)
    with pytest.raises(errors.BatchNotFound, match="projects/rounds/batches/b-1"):
        get(a_call(), GetBatchCommand("rounds", "b-1"))
    with pytest.raises(errors.ProjectNotFound):
        get(a_call(), GetBatchCommand("elsewhere", "b-1"))
