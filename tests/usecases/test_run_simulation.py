from dataclasses import dataclass, field

import numpy as np
import pytest

from alservice.core import CancelFlag
from alservice.domain import errors
from alservice.domain.label import Answer
from alservice.domain.learner import Progress, silent
from alservice.domain.operation import OperationState
from alservice.ports.replaying import ReplayJob, ReplayReport
from alservice.ports.trainer import CancelFlag as Stop
from alservice.usecases.labelled_vectors import GatherLabelled
from alservice.usecases.run_simulation import RunSimulation
from alservice.usecases.snapshot import Snapshots
from tests.rounds import Rounds, ids, vectors_of
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
    operation = ask(rounds, "entropy")
    replaying = Remembers()
    run(rounds, replaying)
    (job,) = replaying.jobs
    assert job.class_ids == ("cat", "dog") and job.strategies == ("random", "entropy")
    order = np.lexsort(job.vectors.T)
    expected = vectors_of(ids(40))
    assert np.array_equal(job.vectors[order], expected[np.lexsort(expected.T)])
    done = rounds.operation(operation.operation_id)
    assert done.state is OperationState.SUCCEEDED
    assert done.result == {"json": "{}", "html": "<html>"}


def test_labels_of_one_class_are_refused(rounds: Rounds) -> None:
    rounds.submit(*(Answer(item_id=i, class_id="cat") for i in ids(40)))
    ask(rounds)
    with pytest.raises(errors.SimulationNeedsLabels, match="one class"):
        run(rounds, Remembers())
