"""The other end of `training_process`.

It is imported, not run as a script, so that its messages have one name at both ends. It
reads jobs, runs learners, and answers. It ends when its parent does: a second thread reads
the pipe, and an end of file there means that nobody waits for an answer.
"""

import logging
import os
import pickle
import queue
import signal
import sys
import threading
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

from threadpoolctl import threadpool_limits

from alservice import learners
from alservice.domain.errors import AlserviceError, LearnerUnknown, did_you_mean
from alservice.domain.learner import FittedModel, Progress, evaluate
from alservice.ports.trainer import TrainingJob


@dataclass(frozen=True, slots=True)
class Advance:
    """The job has got so far."""

    share: float
    doing: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The learner refused, in the service's own words."""

    error: AlserviceError


@dataclass(frozen=True, slots=True)
class Crashed:
    """The learner raised something else; the traceback is for the log alone."""

    kind: str
    traceback: str


# Below this many numbers BLAS threads wait for each other longer than they compute: five times as
# long for 400 x 64 on two busy cores.
PARALLEL_SIZE = 4_000_000

Message = Advance | Refused | Crashed | FittedModel


def send(connection: Connection, message: object) -> None:
    """Send one of our own objects; arrays go straight from their memory."""
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(message, protocol=5, buffer_callback=buffers.append)
    connection.send_bytes(len(buffers).to_bytes(4, "little") + head)
    for buffer in buffers:
        connection.send_bytes(buffer.raw())


def receive(connection: Connection) -> Any:
    """What `send` sent at the other end, a process of our own. EOFError when it has gone."""
    head = connection.recv_bytes()
    buffers = [connection.recv_bytes() for _ in range(int.from_bytes(head[:4], "little"))]
    return pickle.loads(memoryview(head)[4:], buffers=buffers)  # noqa: S301  our own process


def run(job: TrainingJob, progress: Progress) -> FittedModel:
    """The job, in this process."""
    known = learners.discover()
    if job.learner not in known:
        raise LearnerUnknown(
            f"There is no learner {job.learner!r}; there are {', '.join(sorted(known))}.",
            learner=job.learner,
            **did_you_mean(job.learner, known),
        )
    model = known[job.learner].fit(job.training, job.parameters, job.warm, progress)
    measured = [
        metric for held_out in job.evaluations for metric in evaluate(model.head, held_out)
    ]
    return replace(model, metrics=(*model.metrics, *measured))


def answer(connection: Connection, job: TrainingJob) -> Message:
    """The outcome of the job, whatever it is."""
    try:
        return run(job, lambda share, doing: send(connection, Advance(share, doing)))
    except AlserviceError as refusal:
        return Refused(refusal)
    except Exception as error:  # noqa: BLE001  it is reported, not swallowed
        return Crashed(type(error).__name__, logging.Formatter().formatException(sys.exc_info()))


def _read(connection: Connection, jobs: "queue.SimpleQueue[TrainingJob]") -> None:
    """Hand jobs over until the parent has gone; then end, in the middle of a fit if need be."""
    try:
        while True:
            jobs.put(receive(connection))
    except (EOFError, OSError):
        os._exit(0)


def main() -> None:
    """Serve the pipe whose file descriptor is the first argument, for as long as it is open."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    connection = Connection(int(sys.argv[1]))
    jobs: queue.SimpleQueue[TrainingJob] = queue.SimpleQueue()
    send(connection, Advance(0.0, "started"))
    threading.Thread(target=_read, args=(connection, jobs), daemon=True).start()
    threads = int(os.environ["OMP_NUM_THREADS"])
    while True:
        job = jobs.get()
        with threadpool_limits(1 if job.training.vectors.size < PARALLEL_SIZE else threads):
            message = answer(connection, job)
        send(connection, message)
