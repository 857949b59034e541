"""A merge that a worker does ends its operation, whether or not there was anything to do."""

import pytest

from alservice.core import CancelFlag
from alservice.domain import errors
from alservice.domain.learner import silent
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.usecases.run_merge import RunMerge
from tests.rounds import Rounds, ids


@pytest.fixture
def merge(rounds: Rounds) -> Operation:
    rounds.add(ids(5, 40))
    operation = Operation(operation_id="o-merge", project_id="rounds", kind=OperationKind.MERGE)
    rounds.catalog.transact(lambda tx: tx.operations.insert(operation))
    return rounds.claim()


def test_segments_are_merged_and_the_operation_is_done(rounds: Rounds, merge: Operation) -> None:
    rounds.wiring.make(RunMerge)(merge, silent, CancelFlag())
    assert rounds.pool.segment_count == 1
    done = rounds.operation("o-merge")
    assert (done.state, done.progress) == (OperationState.SUCCEEDED, 1.0)


def test_a_cancelled_merge_changes_nothing_and_does_not_end_the_operation(
    rounds: Rounds, merge: Operation
) -> None:
    cancel = CancelFlag()
    cancel.cancel()
    with pytest.raises(errors.Cancelled):
        rounds.wiring.make(RunMerge)(merge, silent, cancel)
    assert rounds.pool.segment_count == 2
    assert rounds.operation("o-merge").state is OperationState.RUNNING
