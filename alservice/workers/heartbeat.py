"""What tells the catalog that a claimed operation is still at work, and hears what others want.

What a dead worker held is taken over within two heartbeats: the lease is as much shorter as a
worker without work may take until it looks for some. A living one renews it at each look, so that
it may stand still, or be cut off, for nearly the whole of it.
"""

import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import structlog

from alservice.core import CancelFlag
from alservice.domain.errors import AlserviceError, Cancelled
from alservice.domain.operation import Operation
from alservice.ports.catalog import Catalog, Tx

HEARTBEAT_S: Final = 5.0  # who has not been heard of for two of these is taken for dead
WATCH_S: Final = 1.0  # between two renewals, each of which sees whether it is wanted cancelled
IDLE_S: Final = 1.0  # between two looks for work
LEASE_MS: Final = round(1000 * (2 * HEARTBEAT_S - IDLE_S))
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Work:
    """One claimed operation, shared between the thread that works and the one that heartbeats."""

    operation: Operation
    cancel: CancelFlag = field(default_factory=CancelFlag)
    progress: float = 0.0
    stage: str = "starting"
    asked_to_stop: bool = False
    lost: bool = False
    given_back: bool = False
    outcome: str = "failed"  # for the metrics
    pause_ms: int = 0  # before somebody takes it again, if it is given back

    def report(self, share: float, stage: str) -> None:
        """Remember how far the work is, for the next heartbeat. Raises Cancelled."""
        self.progress, self.stage = share, stage
        if self.cancel.cancelled:
            raise Cancelled("the operation was cancelled")


class Heartbeat:
    """A thread that keeps the lease of one `Work`, from entering to leaving the `with`."""

    def __init__(self, catalog: Catalog, work: Work) -> None:
        """Nothing happens before `with`. The work was claimed just now."""
        self._catalog = catalog
        self._work = work
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _live(self) -> None:
        while not self._over.wait(WATCH_S):
            try:
                self._beat()
            except AlserviceError as error:
                log.warning("worker.heartbeat_failed", reason=error.reason)
            except Exception:
                log.exception("worker.heartbeat_failed")

    def _beat(self) -> None:
        work, operation = self._work, self._work.operation
        current = self._catalog.transact(self._renewed)
        if current is None or current.attempt != operation.attempt:
            if not work.lost:
                log.warning("operation.lost", operation=operation.operation_id)
            work.lost = True
            work.cancel.cancel()
        elif current.cancel_requested and not current.state.done:
            work.asked_to_stop = True
            work.cancel.cancel()

    def _renewed(self, tx: Tx) -> Operation | None:
        """The row, its lease renewed; as it is where nobody works any more, we or another one."""
        work, mine = self._work, self._work.operation
        share, stage = work.progress, work.stage
        renewed = tx.operations.heartbeat(mine, tx.now_ms(), LEASE_MS, share, stage)
        return renewed or tx.operations.get(mine.project_id, mine.operation_id)
