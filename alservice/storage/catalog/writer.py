"""The one thread that writes to SQLite: it commits in groups and does every checkpoint.

While one group is being flushed to disk the next one gathers, so that many callers share a flush.
Each work runs under a savepoint of its own: what it raises takes back only what it did.
"""

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Engine

from alservice.domain.errors import ShuttingDown
from alservice.ports.catalog import Tx
from alservice.storage.catalog.sqlite_file import (
    BUSY_TIMEOUT_MS,
    WAL_LIMIT_BYTES,
    as_disk_full,
    command,
    in_transaction,
    session_of,
    wal_bytes,
)
from alservice.storage.catalog.tx import SqlTx

T = TypeVar("T")
_Job = tuple[Callable[[Tx], Any], Future[Any]]
_Outcome = tuple[Future[Any], Any, BaseException | None]

_GROUP: Final = 256
_LONG: Final = 16
_IDLE_S: Final = 1.0
_CHECKPOINT_WAIT_MS: Final = 50
_log: Final = logging.getLogger(__name__)


class Writer:
    """Runs works one after the other on its own connection, in its own thread."""

    def __init__(
        self,
        engine: Engine,
        path: Path,
        clock_ms: Callable[[], int],
        on_failure: Callable[[], object],
    ) -> None:
        self._path = path
        self._on_failure = on_failure
        self._group: list[_Job] = []
        self._clock_ms = clock_ms
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._checkpoint_at = WAL_LIMIT_BYTES
        self._connection = engine.connect()
        self._thread = threading.Thread(target=self._run, name="catalog-writer", daemon=True)
        self._thread.start()

    def run(self, work: Callable[[Tx], T]) -> T:
        """What `work` returned, once it is on disk. Raises DiskFull, ShuttingDown."""
        if self.is_current_thread():
            raise RuntimeError("a transaction was begun inside another one")
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise _stopping()
            self._jobs.put((work, future))
        return future.result()

    def is_current_thread(self) -> bool:
        """Whether the caller is inside a work."""
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """Finish what is queued, fold the log into the database, let go. Idempotent."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._serve()
        except BaseException:  # noqa: BLE001 - whatever it was, it ends the thread
            _log.critical("nothing more is written to %s", self._path, exc_info=True)
            self._give_up()
            self._on_failure()
        finally:
            self._connection.close()

    def _give_up(self) -> None:
        """Answer everybody who waits: without this thread they would wait for ever."""
        with self._lock:
            self._closed = True
        while not self._jobs.empty():
            job = self._jobs.get()
            self._group += [job] if job else []
        for _, future in self._group:
            if not future.done():
                future.set_exception(_stopping())
        self._group.clear()

    def _serve(self) -> None:
        dirty, going = False, True
        while going:
            try:
                job = self._jobs.get(timeout=_IDLE_S if dirty else None)
            except queue.Empty:
                self._checkpoint("PASSIVE")
                dirty = False
                continue
            going = self._turn(job)
            dirty = True
            del job  # what it captured may be large, and the wait for the next one long
        self._checkpoint("TRUNCATE")

    def _turn(self, first: _Job | None) -> bool:
        """Commit one group; False if it was the last."""
        going = self._gather(first)
        if self._group:
            self._commit()
            self._group.clear()
            self._keep_log_short()
        return going

    def _gather(self, first: _Job | None) -> bool:
        """Take the jobs of the next group; False if there will be no other one."""
        job = first
        while job is not None:
            self._group.append(job)
            if len(self._group) == _GROUP or self._jobs.empty():
                return True
            job = self._jobs.get()
        return False

    def _commit(self) -> None:
        """Run the group in one transaction, and only then answer."""
        group, outcomes = self._group, list[_Outcome]()
        try:
            command(self._connection, "BEGIN IMMEDIATE")
            for work, future in group:
                outcomes.append((future, *self._attempt(work, alone=len(group) == 1)))
            command(self._connection, "COMMIT")
        except BaseException as error:  # noqa: BLE001 - every caller of the group is told
            try:
                self._roll_back()
            finally:
                for _, future in group:
                    future.set_exception(_same(error))
            return
        for future, result, raised in outcomes:
            if raised is None:
                future.set_result(result)
            else:
                future.set_exception(raised)

    def _attempt(
        self, work: Callable[[Tx], Any], *, alone: bool
    ) -> tuple[Any, BaseException | None]:
        """What the work returned or raised. Raises what ends the whole transaction.

        That is any failure of a work that is alone in its group, and so needs no savepoint.
        """
        if alone:
            return work(SqlTx(session_of(self._connection, self._clock_ms))), None
        command(self._connection, "SAVEPOINT work")
        try:
            result = work(SqlTx(session_of(self._connection, self._clock_ms)))
        except BaseException as error:
            if as_disk_full(error) is not None or not in_transaction(self._connection):
                raise
            command(self._connection, "ROLLBACK TO work")
            command(self._connection, "RELEASE work")
            return None, error
        command(self._connection, "RELEASE work")
        return result, None

    def _roll_back(self) -> None:
        if in_transaction(self._connection):
            command(self._connection, "ROLLBACK")

    def _keep_log_short(self) -> None:
        """Checkpoint when the log has grown; readers of old snapshots can keep it long a while."""
        size = wal_bytes(self._path)
        if size < self._checkpoint_at:
            self._checkpoint_at = min(self._checkpoint_at, size + WAL_LIMIT_BYTES)
            return
        # TRUNCATE waits for readers, so that a stream of them cannot keep it growing for ever:
        # but briefly, for every commit waits with it.
        self._checkpoint("PASSIVE" if size < _LONG * WAL_LIMIT_BYTES else "TRUNCATE")
        self._checkpoint_at = size + WAL_LIMIT_BYTES

    def _checkpoint(self, kind: str) -> None:
        try:
            command(self._connection, f"PRAGMA busy_timeout = {_CHECKPOINT_WAIT_MS}")
            command(self._connection, f"PRAGMA wal_checkpoint({kind})")
        except sqlite3.Error as error:
            # What is in the log is durable there; the next checkpoint tries again.
            _log.warning("the checkpoint of %s failed: %s", self._path, error)
        finally:
            command(self._connection, f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")


def _stopping() -> ShuttingDown:
    return ShuttingDown("the server is stopping; retry elsewhere or later")


def _same(error: BaseException) -> BaseException:
    """The error for one caller of a group that failed as a whole."""
    return as_disk_full(error) or error
