"""The catalog in a PostgreSQL database: any number of replicas, also by way of PgBouncer.

Nothing that matters lives in a session, for PgBouncer may give each transaction another one: no
session locks, no settings but for one transaction, prepared statements only where nobody stands
between. docs/adr/0014 says why transactions run as they do.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final, TypeVar

import psycopg
from psycopg.errors import FeatureNotSupported, InFailedSqlTransaction, ReadOnlySqlTransaction
from sqlalchemy.dialects.postgresql.psycopg import dialect as psycopg_dialect

from alservice.domain.errors import OutcomeUnknown
from alservice.ports.catalog import Tx
from alservice.storage.catalog.postgres_connections import (
    MOST,
    Connections,
    Driver,
    command,
    open_connection,
)
from alservice.storage.catalog.postgres_dsn import connection_parameters, described
from alservice.storage.catalog.postgres_errors import (
    Verdict,
    is_forgotten,
    is_refused_commit,
    verdict,
)
from alservice.storage.catalog.postgres_open import prepare_database
from alservice.storage.catalog.postgres_patience import AWAY_S, Patience
from alservice.storage.catalog.session import Session
from alservice.storage.catalog.tx import SqlTx

T = TypeVar("T")

# One for the process, so that its statements are compiled once.
_DIALECT: Final = psycopg_dialect()  # type: ignore[no-untyped-call]
_CLOCK: Final = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
# Who stands still is thrown out: a holder of locks before those who wait for it give up, and a
# snapshot, which keeps the database from cleaning up. Nobody opens a file inside of either.
_LIMITS: Final = """set_config('idle_in_transaction_session_timeout', '15s', true),
    set_config('lock_timeout', '20s', true), set_config('statement_timeout', '60s', true)"""
# Where the database was told to lose acknowledged commits in a crash, ours it does not lose.
_DURABLE: Final = """set_config('synchronous_commit', CASE current_setting('synchronous_commit')
    WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true)"""
# In one message, for the price of one round trip.
_BEGIN: Final = f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT {_LIMITS}, {_DURABLE}"
_BEGIN_READ: Final = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
    f"SELECT {_LIMITS}; {_CLOCK}, pg_is_in_recovery()"
)
_STANDBY: Final = "this is a standby, which shows the past: the primary is wanted"


class PostgresCatalog:
    """`Catalog` in the database that `dsn`, a libpq URI, leads to."""

    def __init__(self, dsn: str, *, away_s: float = AWAY_S, connections: int = MOST) -> None:
        """Bring the schema up to date, whoever else starts at the same time.

        For `away_s` seconds calls wait for a database that is away. Up to so many `connections`
        are open at once. Raises StartupError.
        """
        self._parameters = connection_parameters(dsn)
        connect = partial(open_connection, self._parameters, autocommit=False)
        prepare_database(connect, described(dsn), away_s)
        self._away_s = away_s
        self._prepares = True
        self._connections = Connections(self._connect, connections)
        self._inside = threading.local()

    def transact(self, work: Callable[[Tx], T]) -> T:
        """Run `work` in one transaction on this thread and return what it returned, durable.

        Raises Conflict, DiskFull, CatalogUnavailable, OutcomeUnknown, Overloaded, ShuttingDown.
        """
        self._refuse_inside("a transaction was begun inside another one")
        return self._patiently(lambda connection: self._write(connection, work))

    def read(self, work: Callable[[Tx], T]) -> T:
        """Run `work` on one consistent snapshot, without writing. Never waits for writers.

        Raises CatalogUnavailable, Overloaded, ShuttingDown.
        """
        self._refuse_inside("a snapshot was asked for inside a transaction")
        return self._patiently(lambda connection: _read(connection, work))

    def now_ms(self) -> int:
        """Milliseconds since the epoch, by the database's clock."""
        return self._patiently(_clock_ms)

    def close(self) -> None:
        """Wait for running transactions, then release everything. Idempotent."""
        self._connections.close()

    def _connect(self) -> Driver:
        return open_connection(self._parameters, prepares=self._prepares)

    def _patiently(self, attempt: Callable[[Driver], T]) -> T:
        """What `attempt` returned, on the first connection on which nothing went wrong."""
        patience = Patience(self._away_s)
        while True:
            try:
                with self._connections.borrow() as connection:
                    return attempt(connection)
            except psycopg.Error as error:
                self._prepares = self._prepares and not is_forgotten(error)
                if verdict(error) is Verdict.LOST:
                    self._connections.forget_idle()
                patience.after(error)

    def _write(self, connection: Driver, work: Callable[[Tx], T]) -> T:
        _begin(connection)
        try:
            with self._marked():
                result = work(_tx(connection, partial(_clock_ms, connection)))
        except BaseException:
            _roll_back(connection)
            raise
        _commit(connection)
        return result

    @contextmanager
    def _marked(self) -> Iterator[None]:
        """Remember that this thread is inside a transaction."""
        self._inside.transaction = True
        try:
            yield
        finally:
            self._inside.transaction = False

    def _refuse_inside(self, text: str) -> None:
        if getattr(self._inside, "transaction", False):
            raise RuntimeError(text)


def _begin(connection: Driver) -> None:
    try:
        command(connection, _BEGIN)
    except FeatureNotSupported as error:  # so a standby refuses READ WRITE
        raise ReadOnlySqlTransaction(_STANDBY) from error


def _begin_read(connection: Driver) -> int:
    """Begin a snapshot; the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN_READ, prepare=False)
        while cursor.nextset():
            pass
        now_ms, standby = cursor.fetchone() or (0, False)
    if standby:
        raise ReadOnlySqlTransaction(_STANDBY)
    return int(now_ms)


def _read(connection: Driver, work: Callable[[Tx], T]) -> T:
    now_ms = _begin_read(connection)
    try:
        result = work(_tx(connection, lambda: now_ms, reads=True))
    except ReadOnlySqlTransaction as error:
        _roll_back(connection)
        raise RuntimeError("a snapshot is read-only: it cannot be written to") from error
    except BaseException:
        _roll_back(connection)
        raise
    command(connection, "COMMIT")  # after a ROLLBACK psycopg would prepare everything anew
    return result


def _tx(connection: Driver, clock_ms: Callable[[], int], *, reads: bool = False) -> Tx:
    return SqlTx(Session(connection, _DIALECT, clock_ms, reads=reads))


def _clock_ms(connection: Driver) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_CLOCK)
        (now_ms,) = cursor.fetchone() or (0,)
    return int(now_ms)


def _commit(connection: Driver) -> None:
    try:
        said = command(connection, "COMMIT")
    except psycopg.Error as error:
        if is_refused_commit(error):
            raise
        text = (
            "the database went away during the commit, and whether the change was made is not "
            "known; repeat the call with the same request_id"
        )
        raise OutcomeUnknown(text) from error
    if said != "COMMIT":  # the work has swallowed an error: there is nothing to commit
        raise InFailedSqlTransaction("a statement of this transaction had failed")


def _roll_back(connection: Driver) -> None:
    with suppress(psycopg.Error):  # a connection that cannot even do that is thrown away
        command(connection, "ROLLBACK")
