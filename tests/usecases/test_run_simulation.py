from dataclasses import dataclass, field

import numpy as np
import pytest

from alservice.core import CancelFlag
from alservice.domain import errors
from alservice.domain.learner import Progress, silent
from alservice.domain.operation import OperationState
from alservice.ports.replaying import ReplayJob, ReplayPlayer, ReplayReport
from alservice.ports.trainer import CancelFlag as Stop
from alservice.usecases.delete_items import DeleteItems, DeleteItemsCommand
from alservice.usecases.labelled_vectors import GatherLabelled
from alservice.usecases.run_simulation import RunSimulation
from alservice.usecases.snapshot import Snapshots
from tests.rounds import Rounds, a_call, ids, vectors_of
from tests.usecases.test_simulate import ask


@dataclass
class Remembers:
    """A `Replaying` that plays nothing."""

    jobs: list[ReplayJob] = field(default_factory=list)

    def replay(self, job: ReplayJob, progress: Progress, cancel: Stop) -> ReplayReport:
        self.jobs.append(job)
        return ReplayReport("{}", "<html>")


def run(rounds: Rounds, replaying: Remembers) -> None:
    made = RunSimulation(
        rounds.catalog,
        rounds.wiring.make(Snapshots),
        rounds.wiring.make(GatherLabelled),
        replaying,
    )
    made(rounds.claim(), silent, CancelFlag())


def test_the_labels_are_replayed_and_the_report_is_written_down(rounds: Rounds) -> None:
    rounds.label(ids(40))
    operation = ask(rounds, "entropy+power")
    replaying = Remembers()
    run(rounds, replaying)
    (job,) = replaying.jobs
    assert job.class_ids == ("cat", "dog")
    assert job.players == (
        ReplayPlayer("random", "random"),
        ReplayPlayer("entropy+power", "entropy", "power"),
    )
    order = np.lexsort(job.vectors.T)
    expected = vectors_of(ids(40))
    assert np.array_equal(job.vectors[order], expected[np.lexsort(expected.T)])
    done = rounds.operation(operation.operation_id)
    assert done.state is OperationState.SUCCEEDED
    assert done.result == {"json": "{}", "html": "<html>"}


def test_labels_that_went_while_it_waited_are_missed(rounds: Rounds) -> None:
    rounds.label(ids(40))
    ask(rounds)
    delete: DeleteItems = rounds.wiring.make(DeleteItems)
    delete(a_call("DeleteItems"), DeleteItemsCommand(rounds.project_id, ids(1)))
    with pytest.raises(errors.SimulationNeedsLabels, match="there are 39"):
        run(rounds, Remembers())
