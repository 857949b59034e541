"""What a worker tells Prometheus about its operations and chores."""

import threading
import time
from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry

from alservice.core import CancelFlag
from alservice.domain.errors import CatalogUnavailable, TrainingFailed
from alservice.domain.learner import Progress
from alservice.domain.operation import Operation, OperationKind
from alservice.telemetry.work_metrics import WorkMetrics, name_of
from alservice.usecases.fail_operation import FailOperation
from alservice.workers.loop import Handler, WorkerLoop
from tests.rounds import Rounds
from tests.workers.worker import PATIENCE_S


def shown(registry: CollectorRegistry, name: str) -> Mapping[tuple[str, ...], float]:
    """The values of a metric by its labels; zeros are left out."""
    samples = (s for family in registry.collect() for s in family.samples if s.name == name)
    return {tuple(sample.labels.values()): sample.value for sample in samples if sample.value}


def run_all(rounds: Rounds, registry: CollectorRegistry, *names: str) -> None:
    """Work on operations: each does what its name says."""
    left = threading.Semaphore(0)

    def run(operation: Operation, _progress: Progress, _cancel: CancelFlag) -> None:
        left.release()
        if operation.operation_id.startswith("o-fails"):
            raise TrainingFailed("it does not converge")
        if operation.operation_id == "o-crashes":
            raise ValueError("secret")
        if operation.operation_id == "o-waits":
            raise CatalogUnavailable("the database is away")

    for name in names:
        asked = Operation(
            operation_id=name, project_id=rounds.project_id, kind=OperationKind.TRAIN
        )
        rounds.catalog.transact(lambda tx, asked=asked: tx.operations.insert(asked))  # type: ignore[misc]
    handlers = {OperationKind.TRAIN: Handler(run, rounds.wiring.make(FailOperation))}
    metrics = WorkMetrics(registry)
    loop = WorkerLoop(rounds.catalog, handlers, "me", threading.Event(), (), metrics)
    loop.start()
    try:
        assert all(left.acquire(timeout=PATIENCE_S) for _ in names)
    finally:
        loop.stop()


def test_operations_are_counted_by_how_they_ended(rounds: Rounds) -> None:
    registry = CollectorRegistry()
    names = ("o-goes-well", "o-fails", "o-fails-too", "o-crashes", "o-waits")
    run_all(rounds, registry, *names)
    assert shown(registry, "alservice_operations_total") == {
        ("train", "claimed"): 5,
        ("train", "succeeded"): 1,
        ("train", "failed"): 3,
        ("train", "given_back"): 1,
    }


class Sweeping:
    """A chore of a class, as most are."""

    def __call__(self) -> None:
        """Nothing to do."""

    def tidy(self) -> None:
        """One that is a method."""


def test_chores_are_counted_and_the_last_success_is_told(rounds: Rounds) -> None:
    registry, done = CollectorRegistry(), threading.Event()

    def fails() -> None:
        raise OSError("no such folder")

    chores: tuple[Callable[[], object], ...] = (fails, Sweeping(), Sweeping().tidy, done.set)
    before_s = time.time()
    loop = WorkerLoop(rounds.catalog, {}, "me", threading.Event(), chores, WorkMetrics(registry))
    begun = shown(registry, "alservice_chore_last_success_timestamp_seconds")
    loop.start()
    try:
        assert done.wait(PATIENCE_S)
    finally:
        loop.stop()
    named = [name_of(chore) for chore in chores]
    assert named[1:] == ["Sweeping", "Sweeping.tidy", "Event.set"]
    assert shown(registry, "alservice_chore_runs_total") == {
        (named[0], "failed"): 1,
        **{(name, "succeeded"): 1 for name in named[1:]},
    }
    ended = shown(registry, "alservice_chore_last_success_timestamp_seconds")
    assert {name for (name,) in begun} == set(named)  # waited for from the start
    assert min(begun.values()) >= before_s
    assert ended[(named[0],)] == begun[(named[0],)]
    assert all(ended[(name,)] >= begun[(name,)] for name in named[1:])
