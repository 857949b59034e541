"""How a SQLite file is opened: all that is particular to SQLite and not to our tables.

SQLite 3.7.0 to 3.51.2 can corrupt a WAL when a commit and a checkpoint race on two connections
(https://www.sqlite.org/wal.html#walresetbug). So one connection, in one thread, does every commit
and every checkpoint; all others only read, and never checkpoint.
"""

import errno
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError

from alservice.domain.errors import DiskFull
from alservice.storage.catalog.session import Session

OLDEST: Final = (3, 37, 0)  # RETURNING, pragma_table_list
WAL_LIMIT_BYTES: Final = 4 << 20
# SQLite tells only ENOSPC apart: a quota or a limit that is reached (EDQUOT, EFBIG) is an
# IOERR_WRITE.
_FULL: Final = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_WRITE,
)
BUSY_TIMEOUT_MS: Final = 5000
_COMMON: Final = (
    f"busy_timeout = {BUSY_TIMEOUT_MS}",
    "temp_store = MEMORY",
    "wal_autocheckpoint = 0",
)
_READER: Final = ("query_only = ON",)
_WRITER: Final = (
    "journal_mode = WAL",
    "synchronous = FULL",
    f"journal_size_limit = {WAL_LIMIT_BYTES}",
    "cache_size = -65536",
)


def has_racing_checkpoints() -> bool:
    """Whether this SQLite has the fault that `SqliteCatalog` steers round."""
    version = sqlite3.sqlite_version_info
    backported = (3, 44, 6) <= version < (3, 45, 0) or (3, 50, 7) <= version < (3, 51, 0)
    return version < (3, 51, 3) and not backported


def engine_for(
    path: Path, *, writes: bool, page_limit: int | None = None, durable: bool = True
) -> Engine:
    """An engine whose connections are this file's writer, or its readers.

    Transactions are begun and ended by plain statements: neither driver nor SQLAlchemy may do it.
    """

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, cached_statements=512
        )

    pragmas = [*_COMMON, *(_WRITER if writes else _READER)]
    if writes and not durable:
        pragmas.append("synchronous = OFF")
    if writes and page_limit is not None:
        pragmas.append(f"max_page_count = {page_limit}")
    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: object) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    return engine


def command(connection: Connection, text: str) -> None:
    """Run a statement whose answer does not matter, such as BEGIN. Raises sqlite3.Error.

    Not by way of SQLAlchemy, which makes a small transaction a third longer: there are several
    commands round each.
    """
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        raise TypeError(f"not a connection to SQLite: {driver!r}")
    driver.execute(text).close()


def session_of(
    connection: Connection, clock_ms: Callable[[], int], *, reads: bool = False
) -> Session:
    """The session of a connection that has begun its transaction."""
    driver = connection.connection.driver_connection
    return Session(driver, connection.dialect, clock_ms, reads=reads)


def in_transaction(connection: Connection) -> bool:
    """Whether SQLite has a transaction open; some errors end it by themselves."""
    driver = connection.connection.driver_connection
    return isinstance(driver, sqlite3.Connection) and driver.in_transaction


def as_disk_full(error: BaseException) -> DiskFull | None:
    """`error` in the service's words, if it says that the disk is full."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    full = isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)
    if isinstance(cause, sqlite3.Error):
        full = getattr(cause, "sqlite_errorcode", None) in _FULL
    if not full:
        return None
    text = "the disk of the data folder is full or takes no more: make room, then retry"
    return DiskFull(text)


def wal_bytes(path: Path) -> int:
    """Size of the write-ahead log of the database at `path`; 0 where nobody can tell."""
    try:
        return os.stat(f"{path}-wal").st_size  # noqa: PTH116 - after every commit: no Path objects
    except OSError:
        return 0
