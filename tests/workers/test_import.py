"""An import under a real worker loop hears of a cancellation, and goes on after a drain."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from alservice.core import CancelFlag
from alservice.domain.learner import Progress
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.storage.imports import assemble
from alservice.usecases.fail_operation import FailOperation
from alservice.workers import heartbeat
from alservice.workers.loop import Handler, WorkerLoop
from tests.rounds import Rounds, begin
from tests.usecases.imports import Imports, save
from tests.usecases.items import Pool, small_files
from tests.workers.worker import PATIENCE_S

IDS = [f"n{number:02}" for number in range(50)]


class Working:
    """A loop that imports, and stops half way for as long as nobody wants it to end."""

    def __init__(self, imports: Imports) -> None:
        self.half_way, self.ended = threading.Event(), threading.Event()
        self._imports = imports
        self._end = FailOperation(imports.pool.catalog)
        handlers = {OperationKind.IMPORT: Handler(self._run, self._finish)}
        self.loop = WorkerLoop(imports.pool.catalog, handlers, "me", threading.Event())

    def _run(self, operation: Operation, progress: Progress, cancel: CancelFlag) -> None:
        def waiting(share: float, stage: str) -> None:
            pause = threading.Event()
            while share >= 0.6 and not cancel.cancelled:
                self.half_way.set()
                pause.wait(0.001)
            progress(share, stage)

        self._imports.run(operation, waiting, cancel)

    def _finish(self, operation: Operation, state: OperationState, error: Exception) -> None:
        self._end(operation, state, error)  # type: ignore[arg-type]
        self.ended.set()


@pytest.fixture
def imports(rounds: Rounds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Imports:
    """Into an empty project beside that of `rounds`; ten items at a time, twenty to a file."""
    monkeypatch.setattr(heartbeat, "WATCH_S", 0.01)
    monkeypatch.setattr(assemble, "MOST_ROWS", 10)
    project = begin(rounds.catalog, rounds.store, "imports").project_id
    return Imports.beside(Pool(rounds.catalog, rounds.store, project), tmp_path)


@pytest.fixture
def working(imports: Imports) -> Iterator[Working]:
    begun = Working(imports)
    with small_files(file_bytes=240):
        begun.loop.start()
        yield begun
        begun.loop.stop()


def segments(imports: Imports, operation: Operation) -> int:
    """How many parts of it are kept."""
    rows = imports.pool.catalog.read(
        lambda tx: tx.segments.of_upload(imports.pool.project_id, operation.operation_id)
    )
    return len([row for row in rows if row.rows])


def test_a_cancelled_import_is_abandoned(
    imports: Imports, working: Working, tmp_path: Path
) -> None:
    asked = imports.ask(save(tmp_path / "a.npz", IDS))
    assert working.half_way.wait(PATIENCE_S)
    assert segments(imports, asked) == 1
    imports.pool.catalog.transact(
        lambda tx: tx.operations.request_cancel(asked.project_id, asked.operation_id)
    )
    assert working.ended.wait(PATIENCE_S)
    assert imports.look(asked).state is OperationState.CANCELLED
    assert segments(imports, asked) == 0 and imports.pool.items() == []


def test_one_that_a_drain_interrupts_is_taken_up_where_it_was(
    imports: Imports, working: Working, tmp_path: Path
) -> None:
    asked = imports.ask(save(tmp_path / "a.npz", IDS))
    assert working.half_way.wait(PATIENCE_S)
    working.loop.stop()
    assert segments(imports, asked) == 1 and not working.ended.is_set()
    began: list[float] = []
    imports.run(imports.claim("another"), lambda share, _stage: began.append(share))
    done = imports.look(asked)
    assert (done.state, done.attempt) == (OperationState.SUCCEEDED, 2)
    assert began[0] == 0.4
    assert sorted(imports.pool.content()) == IDS
