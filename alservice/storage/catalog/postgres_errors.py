"""What PostgreSQL's errors mean for a transaction, by SQLSTATE.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

import enum
from typing import Final

import psycopg
from psycopg import errors

from alservice.domain.errors import AlserviceError, CatalogUnavailable, Conflict, DiskFull


class Verdict(enum.Enum):
    """What to do about an error that came before the commit was sent: nothing was changed."""

    LOST = "lost"  # the connection, or the server: again on another connection
    RACE = "race"  # with another transaction: again at once
    SLOW = "slow"  # the time for the statement or for a lock ran out
    FULL = "full"  # the disk
    OURS = "ours"  # a mistake of this program's


_RACES: Final = (
    errors.SerializationFailure,
    errors.DeadlockDetected,
    # Somebody else added the same row between our look and our own insert: the next look finds it.
    errors.UniqueViolation,
)
_SLOW: Final = (errors.LockNotAvailable, errors.QueryCanceled)
_FULL: Final = (errors.DiskFull,)
_LOST_CLASSES: Final = ("08", "57", "58")  # connection, operator's intervention, system
# The session below the connection is another one: a pooler, whatever it told, stands between.
_FORGOTTEN: Final = (errors.InvalidSqlStatementName, errors.DuplicatePreparedStatement)
_LOST: Final = (
    *_FORGOTTEN,
    errors.TooManyConnections,
    errors.OutOfMemory,
    errors.IdleInTransactionSessionTimeout,
    errors.ReadOnlySqlTransaction,  # after a failover: what we talk to is a standby now
)
_FOLLOWS: Final = (errors.InFailedSqlTransaction,)
# The commit was refused: the transaction is rolled back, and everybody knows it.
_REFUSED_COMMIT: Final = (
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.IntegrityError,
    errors.InFailedSqlTransaction,
)


def verdict(error: psycopg.Error) -> Verdict:
    """What an error before the commit means."""
    if isinstance(error, _RACES):
        return Verdict.RACE
    if isinstance(error, _SLOW):
        return Verdict.SLOW
    if isinstance(error, _FULL):
        return Verdict.FULL
    # Without a SQLSTATE it was not the server who spoke.
    silent = error.sqlstate is None and isinstance(error, psycopg.OperationalError)
    lost = silent or isinstance(error, _LOST) or (error.sqlstate or "")[:2] in _LOST_CLASSES
    return Verdict.LOST if lost else Verdict.OURS


def is_forgotten(error: psycopg.Error) -> bool:
    """Whether a prepared statement is not there that this connection has made."""
    return isinstance(error, _FORGOTTEN)


def is_refused_commit(error: psycopg.Error) -> bool:
    """Whether a COMMIT that raised this has certainly not happened."""
    return isinstance(error, _REFUSED_COMMIT)


def told(error: psycopg.Error) -> AlserviceError | psycopg.Error:
    """The error in the service's words, for the caller who is not retried any more."""
    match verdict(error):
        case Verdict.RACE:
            return Conflict("many calls change the same thing at once; retry")
        case Verdict.SLOW:
            text = "the database did not get round to it in time; retry after a moment"
            return CatalogUnavailable(text)
        case Verdict.FULL:
            return DiskFull("the disk of the database is full: make room, then retry")
        case Verdict.LOST:
            text = "the database cannot be reached; retry after a moment"
            return CatalogUnavailable(text)
        case Verdict.OURS:
            return error
