"""The training process is warm, can be stopped at any moment, and outlives nothing."""

import os
import signal
import threading
from collections.abc import Iterator

import numpy as np
import psutil
import pytest

from alservice.domain.errors import (
    Cancelled,
    LearnerUnknown,
    ParameterUnknown,
    TrainingFailed,
    TrainingNeedsTwoClasses,
)
from alservice.domain.learner import EvaluationSet, TrainingSet, silent
from alservice.learners.logistic import LEARNER
from alservice.ports.trainer import Trainer, TrainingJob
from alservice.workers.training_process import TrainingProcess

NEVER = threading.Event()


def job(n: int = 40, d: int = 5, classes: int = 2, learner: str = "logistic") -> TrainingJob:
    rng = np.random.default_rng(1)
    truth = np.arange(n) % classes
    vectors = (rng.normal(size=(n, d)) + truth[:, None]).astype(np.float32)
    training = TrainingSet(
        vectors=vectors, classes=truth, class_count=3, weights=np.ones(n, np.float32)
    )
    return TrainingJob(
        learner=learner, training=training, evaluations=(EvaluationSet("test", vectors, truth),)
    )


def long_job() -> TrainingJob:
    """Minutes of work, if nobody stops it."""
    rng = np.random.default_rng(2)
    n = 4_000
    training = TrainingSet(
        vectors=rng.normal(size=(n, 600)).astype(np.float32),
        classes=rng.integers(0, 50, n),
        class_count=50,
        weights=np.ones(n, np.float32),
    )
    return TrainingJob(learner="logistic", training=training)


@pytest.fixture(scope="module")
def trainer() -> Iterator[TrainingProcess]:
    process = TrainingProcess()
    yield process
    process.close()


def gone(pid: int) -> bool:
    """Whether the process ends; waits at most 30 s."""
    try:
        psutil.Process(pid).wait(timeout=30)
    except psutil.NoSuchProcess:
        return True
    return not psutil.pid_exists(pid)


def test_it_keeps_the_promise_of_the_port() -> None:
    trainer: Trainer = TrainingProcess()
    trainer.close()
    trainer.close()
    with pytest.raises(Cancelled):
        trainer.fit(job(), silent, NEVER)


def test_it_gives_what_the_learner_gives_here_and_measures_on_each_basis(
    trainer: TrainingProcess,
) -> None:
    told: list[float] = []
    model = trainer.fit(job(), lambda share, _doing: told.append(share), NEVER)
    here = LEARNER.fit(job().training, {}, None, silent)
    np.testing.assert_allclose(model.head.weights, here.head.weights, rtol=1e-5)
    assert {metric.basis for metric in model.metrics} == {"selected_cv", "test"}
    assert told == sorted(told) and len(told) > 1


def test_the_child_is_kept_for_the_next_job(trainer: TrainingProcess) -> None:
    trainer.fit(job(), silent, NEVER)
    first = trainer.pid
    trainer.fit(job(), silent, NEVER)
    assert first is not None and trainer.pid == first != os.getpid()


def test_the_child_has_the_threads_it_was_given(trainer: TrainingProcess) -> None:
    trainer.fit(job(), silent, NEVER)
    environment = psutil.Process(trainer.pid).environ()
    assert environment["OMP_NUM_THREADS"] == environment["OPENBLAS_NUM_THREADS"] == "1"


def test_the_child_lets_calls_go_first(trainer: TrainingProcess) -> None:
    trainer.fit(job(), silent, NEVER)
    assert psutil.Process(trainer.pid).nice() > psutil.Process().nice()


def test_a_cancel_kills_the_fit_and_the_next_job_works(trainer: TrainingProcess) -> None:
    cancel = threading.Event()
    pids: list[int | None] = []

    def on_progress(_share: float, _doing: str) -> None:
        pids.append(trainer.pid)
        cancel.set()

    with pytest.raises(Cancelled):
        trainer.fit(long_job(), on_progress, cancel)
    assert pids[0] is not None and gone(pids[0])
    assert trainer.fit(job(), silent, NEVER).metrics


def test_a_cancel_before_the_start_starts_nothing() -> None:
    cancel = threading.Event()
    cancel.set()
    trainer = TrainingProcess()
    with pytest.raises(Cancelled):
        trainer.fit(job(), silent, cancel)
    assert trainer.pid is None


def test_a_killed_child_fails_its_job_and_the_next_job_works(trainer: TrainingProcess) -> None:
    def kill(_share: float, _doing: str) -> None:
        assert trainer.pid is not None
        os.kill(trainer.pid, signal.SIGKILL)

    with pytest.raises(TrainingFailed, match="died"):
        trainer.fit(long_job(), kill, NEVER)
    assert trainer.fit(job(), silent, NEVER).metrics


def test_a_child_killed_between_jobs_is_replaced(trainer: TrainingProcess) -> None:
    trainer.fit(job(), silent, NEVER)
    first = trainer.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    # Between the kill and its arrival the child may still seem alive: both ends are right.
    try:
        model = trainer.fit(job(), silent, NEVER)
    except TrainingFailed:
        model = trainer.fit(job(), silent, NEVER)
    assert model.metrics and trainer.pid != first


def test_refusals_arrive_in_the_services_own_words_and_leave_the_child_warm(
    trainer: TrainingProcess,
) -> None:
    trainer.fit(job(), silent, NEVER)
    first = trainer.pid
    with pytest.raises(TrainingNeedsTwoClasses) as caught:
        trainer.fit(job(classes=1), silent, NEVER)
    assert caught.value.metadata == {"labels": "40"}
    with pytest.raises(LearnerUnknown) as unknown:
        trainer.fit(job(learner="logistics"), silent, NEVER)
    assert unknown.value.metadata["did_you_mean"] == "logistic"
    wrong = TrainingJob(learner="logistic", training=job().training, parameters={"gamma": 1.0})
    with pytest.raises(ParameterUnknown):
        trainer.fit(wrong, silent, NEVER)
    assert trainer.pid == first


def test_a_learners_crash_is_logged_in_full_and_told_without_its_text(
    trainer: TrainingProcess, caplog: pytest.LogCaptureFixture
) -> None:
    bad = job()
    bad.training.vectors[0, 0] = np.nan
    with pytest.raises(TrainingFailed) as caught:
        trainer.fit(bad, silent, NEVER)
    assert "Traceback" in caplog.text
    assert "Traceback" not in str(caught.value)
    assert trainer.fit(job(), silent, NEVER).metrics


def test_what_progress_raises_goes_on_to_the_caller(trainer: TrainingProcess) -> None:
    def lost_lease(_share: float, _doing: str) -> None:
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        trainer.fit(job(), lost_lease, NEVER)
    assert trainer.fit(job(), silent, NEVER).metrics


def test_a_second_caller_waits_for_its_turn(trainer: TrainingProcess) -> None:
    models = []
    threads = [
        threading.Thread(target=lambda: models.append(trainer.fit(job(), silent, NEVER)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(models) == 3


def test_close_ends_a_running_job() -> None:
    trainer = TrainingProcess()
    pids: list[int | None] = []
    ended: list[type[BaseException]] = []
    begun = threading.Event()

    def on_progress(_share: float, _doing: str) -> None:
        pids.append(trainer.pid)
        begun.set()

    def run() -> None:
        try:
            trainer.fit(long_job(), on_progress, NEVER)
        except Cancelled as error:
            ended.append(type(error))

    thread = threading.Thread(target=run)
    thread.start()
    assert begun.wait(60)
    trainer.close()
    thread.join()
    assert ended == [Cancelled]
    assert pids[0] is not None and gone(pids[0])


def test_the_child_ends_with_its_parent_even_in_the_middle_of_a_fit() -> None:
    """The pipe's end is all that a parent's death leaves behind."""
    own = TrainingProcess()
    pids: list[int] = []

    class ParentDied(BaseException):
        pass

    def die(_share: float, _doing: str) -> None:
        assert own._child is not None and own._connection is not None
        pids.append(own._child.pid)
        child, own._child = own._child, None  # nobody is left to kill it
        own._connection.close()
        own._connection = None
        child.wait(timeout=30)
        raise ParentDied

    with pytest.raises(ParentDied):
        own.fit(long_job(), die, NEVER)
    assert gone(pids[0])
