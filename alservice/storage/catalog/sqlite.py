"""The catalog in one SQLite file: one process, one writer, readers that never wait for it."""

import logging
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Connection

from alservice.domain.errors import ShuttingDown
from alservice.domain.startup import StartupError
from alservice.ports.catalog import Tx
from alservice.storage.catalog.migrate import migrate
from alservice.storage.catalog.sqlite_file import (
    OLDEST,
    command,
    engine_for,
    has_racing_checkpoints,
    session_of,
)
from alservice.storage.catalog.sqlite_planner import teach_planner
from alservice.storage.catalog.tx import SqlTx
from alservice.storage.catalog.writer import Writer
from alservice.storage.folder_lock import FolderLock

T = TypeVar("T")

_FILE: Final = "catalog.sqlite3"
_IDLE_READERS: Final = 8
_log: Final = logging.getLogger(__name__)


def machine_clock_ms() -> int:
    """Milliseconds since the epoch: SQLite's own clock is that of its process."""
    return time.time_ns() // 1_000_000


class SqliteCatalog:
    """`Catalog` in `folder`/catalog.sqlite3."""

    def __init__(
        self,
        folder: Path,
        *,
        clock_ms: Callable[[], int] = machine_clock_ms,
        page_limit: int | None = None,
        on_failure: Callable[[], object] = lambda: None,
        durable: bool = True,
    ) -> None:
        """Lock the folder, bring the schema up to date, start the writer.

        `page_limit` bounds the file, in pages of 4 KiB. `on_failure` is called, in another thread,
        when nothing can be written any more until the folder is opened anew. Without `durable` a
        power cut may break the file: for a folder that is thrown away. Raises FolderInUse,
        StartupError.
        """
        if sqlite3.sqlite_version_info < OLDEST:
            needed = ".".join(map(str, OLDEST))
            raise StartupError(f"SQLite {sqlite3.sqlite_version} is too old: {needed} is needed")
        if has_racing_checkpoints():
            text = "SQLite %s has the WAL-reset fault; the single writer steers round it"
            _log.debug(text, sqlite3.sqlite_version)
        self._clock_ms = clock_ms
        self._folder_lock = FolderLock(folder)
        try:
            self._open(folder, page_limit, on_failure, durable=durable)
        except BaseException:
            self._folder_lock.release()
            raise

    def _open(
        self,
        folder: Path,
        page_limit: int | None,
        on_failure: Callable[[], object],
        *,
        durable: bool,
    ) -> None:
        path = folder / _FILE
        writer = engine_for(path, writes=True, page_limit=page_limit, durable=durable)
        with writer.connect() as connection:
            command(connection, "BEGIN IMMEDIATE")
            migrate(connection)
            teach_planner(connection)
            command(connection, "COMMIT")
        _flush_names(folder)
        self._idle: deque[Connection] = deque()
        self._reading = 0
        self._closed = False
        self._change = threading.Condition()
        self._reader_engine = engine_for(path, writes=False)
        self._writer = Writer(writer, path, self._clock_ms, on_failure)

    def transact(self, work: Callable[[Tx], T]) -> T:
        """Run `work` in one serialisable transaction and return what it returned, durable."""
        return self._writer.run(work)

    def read(self, work: Callable[[Tx], T]) -> T:
        """Run `work` on one consistent snapshot, without writing. Never waits for writers."""
        if self._writer.is_current_thread():
            raise RuntimeError("a snapshot was asked for inside a transaction")
        with self._reader() as connection:
            command(connection, "BEGIN")
            try:
                now_ms = self._clock_ms()  # no later than the snapshot
                return work(SqlTx(session_of(connection, lambda: now_ms, reads=True)))
            finally:
                command(connection, "ROLLBACK")

    def now_ms(self) -> int:
        """Milliseconds since the epoch, by the database's clock."""
        return self._clock_ms()

    def close(self) -> None:
        """Wait for readers, then finish what is queued and release everything. Idempotent."""
        with self._change:
            self._closed = True
            self._change.wait_for(lambda: self._reading == 0)
            while self._idle:
                self._idle.pop().close()
        # The last connection to close does a checkpoint: that must be the writer.
        self._writer.close()
        self._folder_lock.release()

    @contextmanager
    def _reader(self) -> Iterator[Connection]:
        with self._change:
            if self._closed:
                raise ShuttingDown("the server is stopping; retry elsewhere or later")
            self._reading += 1
            connection = self._idle.pop() if self._idle else None
        try:
            if connection is None:
                connection = self._reader_engine.connect()
            yield connection
        finally:
            self._give_back(connection)

    def _give_back(self, connection: Connection | None) -> None:
        with self._change:
            if connection is not None:
                if len(self._idle) < _IDLE_READERS:
                    self._idle.append(connection)
                else:
                    connection.close()
            self._reading -= 1
            self._change.notify_all()


def _flush_names(folder: Path) -> None:
    """Make the names of new files durable, as their contents are."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
