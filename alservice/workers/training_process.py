"""Training in one warm process of its own, which can be killed in the middle of a fit.

scikit-learn holds the GIL for long stretches and cannot be interrupted; the server can
neither wait for it nor stall. The process is started afresh (never forked: gRPC and BLAS
have threads) with its first job, kept for the next, and replaced after a cancel or a crash.
"""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from alservice.domain.errors import Cancelled, TrainingFailed
from alservice.domain.learner import FittedModel, Progress
from alservice.ports.trainer import CancelFlag, TrainingJob
from alservice.workers.step_back import step_back
from alservice.workers.training_child import Advance, Crashed, Message, Refused, receive, send

LOG = logging.getLogger(__name__)
POLL_S = 0.05


class TrainingProcess:
    """A `Trainer` whose jobs run in a child process, with `threads` threads of its own."""

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads
        self._turn = threading.Lock()
        self._closed = False
        self._child: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id, while there is one."""
        return self._child.pid if self._child else None

    def fit(self, job: TrainingJob, progress: Progress, cancel: CancelFlag) -> FittedModel:
        """As `Trainer.fit` promises."""
        with self._my_turn(cancel):
            try:
                message = self._converse(job, progress, cancel)
            except BaseException:
                # It is in the middle of a job that nobody wants any more, or dead.
                self._discard()
                raise
            return _outcome(message)

    def close(self) -> None:
        """As `Trainer.close` promises: a job that is running ends with `Cancelled`."""
        self._closed = True
        with self._turn:
            self._discard()

    def _converse(self, job: TrainingJob, progress: Progress, cancel: CancelFlag) -> Message:
        """The child's last word on the job."""
        connection = self._running()
        if connection is None:
            connection = self._start()
            # A large job would fill the pipe and block until the child reads.
            self._next(connection, cancel)
        try:
            send(connection, job)
        except OSError as gone:
            raise self._death() from gone
        while isinstance(message := self._next(connection, cancel), Advance):
            progress(message.share, message.doing)
        return message

    def _next(self, connection: Connection, cancel: CancelFlag) -> Message:
        """What the child says next, unless nobody wants to hear it."""
        try:
            while not connection.poll(POLL_S):
                self._check(cancel)
            message: Message = receive(connection)
        except (EOFError, OSError) as gone:
            raise self._death() from gone
        self._check(cancel)
        return message

    def _check(self, cancel: CancelFlag) -> None:
        if self._closed:
            raise Cancelled("The server is shutting down.")
        if cancel.is_set():
            raise Cancelled("The training was cancelled.")

    def _death(self) -> TrainingFailed:
        with suppress(subprocess.TimeoutExpired):  # the pipe is gone a moment before the process
            code = self._child.wait(timeout=1.0) if self._child else None
            LOG.error("the training process ended with exit code %s", code)
        return TrainingFailed("The training process died: train again.")

    def _running(self) -> Connection | None:
        """The pipe to the child that is there, if it is alive."""
        if self._child is not None and self._child.poll() is None:
            return self._connection
        self._discard()
        return None

    def _start(self) -> Connection:
        """The pipe to a new child, which will say that it is ready."""
        ours, theirs = Pipe()
        program = "from alservice.workers.training_child import main; main()"
        with theirs:
            try:
                self._child = subprocess.Popen(  # noqa: S603  our own interpreter and module
                    [sys.executable, "-P", "-c", program, str(theirs.fileno())],
                    env=self._environment(),
                    stdin=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
            except OSError as error:
                ours.close()
                raise TrainingFailed("The training process could not be started.") from error
        step_back(self._child.pid)
        self._connection = ours
        return ours

    def _environment(self) -> dict[str, str]:
        """Ours, with the thread budget, which BLAS and OpenMP read when they are loaded."""
        home = str(Path(__file__).parents[2])  # where the package lies
        paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        return {
            **os.environ,
            **dict.fromkeys(names, str(self._threads)),
            "OMP_WAIT_POLICY": "PASSIVE",
            "PYTHONPATH": os.pathsep.join(paths),
        }

    def _discard(self) -> None:
        """End the child, if there is one, and forget it."""
        child, self._child = self._child, None
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        if child is not None:
            child.kill()
            child.wait()

    @contextmanager
    def _my_turn(self, cancel: CancelFlag) -> Iterator[None]:
        while not self._turn.acquire(timeout=POLL_S):
            self._check(cancel)
        try:
            self._check(cancel)
            yield
        finally:
            self._turn.release()


def _outcome(message: Message) -> FittedModel:
    if isinstance(message, FittedModel):
        return message
    if isinstance(message, Refused):
        raise message.error
    if isinstance(message, Crashed):
        LOG.error("a learner raised %s\n%s", message.kind, message.traceback)
        raise TrainingFailed(f"Fitting failed ({message.kind}); the server's log tells more.")
    raise TrainingFailed("The training process gave no model: train again.")
