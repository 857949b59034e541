"""A worker that tells a test what it does."""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from alservice.core import CancelFlag
from alservice.domain.errors import AlserviceError
from alservice.domain.learner import Progress
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.usecases.fail_operation import FailOperation
from alservice.usecases.run_training import RunTraining
from alservice.workers.loop import Handler, WorkerLoop
from tests.rounds import Rounds

PATIENCE_S = 60
Behaviour = Callable[[Operation, Progress, CancelFlag], None]


@dataclass
class Worker:
    """Loops on one catalog; `said` tells of everything that they do."""

    rounds: Rounds
    wake: threading.Event = field(default_factory=threading.Event)
    said: "queue.Queue[tuple[str, Any]]" = field(default_factory=queue.Queue)
    loops: list[WorkerLoop] = field(default_factory=list)

    def start(
        self, run: Behaviour | None = None, chores: Callable[[], None] | None = None
    ) -> None:
        train: Behaviour = run or self.rounds.wiring.make(RunTraining)
        end: FailOperation = self.rounds.wiring.make(FailOperation)

        def running(operation: Operation, progress: Progress, cancel: CancelFlag) -> None:
            self.said.put(("began", operation))
            train(operation, progress, cancel)
            self.said.put(("ran", operation))

        def ending(operation: Operation, state: OperationState, error: AlserviceError) -> None:
            end(operation, state, error)
            self.said.put((state.value, operation))

        def tidy() -> None:
            self.said.put(("chores", None))
            if chores:
                chores()

        handlers = {OperationKind.TRAIN: Handler(running, ending)}
        owner = f"worker-{len(self.loops)}"
        loop = WorkerLoop(self.rounds.catalog, handlers, owner, self.wake, (tidy,))
        self.loops.append(loop)
        loop.start()

    def hear(self, *what: str) -> Any:
        """Wait for one of these, whatever is said before; about which operation?"""
        while True:
            said, about = self.said.get(timeout=PATIENCE_S)
            if said in what:
                return about

    def stop(self) -> None:
        for loop in self.loops:
            loop.stop()


def until_cancelled(_operation: Operation, progress: Progress, cancel: CancelFlag) -> None:
    """Work without end that looks now and then whether anybody still wants it."""
    pause = threading.Event()
    while not cancel.cancelled:
        pause.wait(0.001)
    progress(0.5, "never")
