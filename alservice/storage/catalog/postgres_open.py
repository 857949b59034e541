"""Before the first transaction: is it a database that we can use, and is its schema ours?

Any number of replicas may start together: one migrates, the others wait for its commit.
"""

import logging
from collections.abc import Callable
from typing import Final

import psycopg
from psycopg import errors
from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from alservice.domain.errors import AlserviceError
from alservice.domain.startup import StartupError
from alservice.storage.catalog.migrate import migrate
from alservice.storage.catalog.postgres_connections import Driver
from alservice.storage.catalog.postgres_patience import Patience
from alservice.storage.catalog.schema import metadata

OLDEST: Final = 13
_LOCK: Final = "SELECT pg_advisory_xact_lock(7020584521230772321)"  # a number of ours alone
_PATIENT: Final = "SET LOCAL lock_timeout = '60s'"  # for old replicas that work on the tables
_MISSING: Final = """
    SELECT DISTINCT name FROM unnest(%(names)s::text[]) AS name,
        unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege
    WHERE NOT has_table_privilege(quote_ident(name), privilege) ORDER BY name
"""
_PASSING: Final = ("starting up", "shutting down", "in recovery", "too many")
_READ_ONLY: Final = "session is read-only"  # libpq's word for a standby
_log: Final = logging.getLogger(__name__)


def prepare_database(connect: Callable[[], Driver], where: str, away_s: float) -> None:
    """Check the database and bring its schema up to date; waits a while for one that starts.

    `connect` opens a connection that is not in autocommit; `where` names the database in errors.
    Raises StartupError.
    """
    patience = Patience(away_s)
    while True:
        try:
            _prepare(connect, where)
        except (psycopg.Error, DBAPIError) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            if not isinstance(cause, psycopg.Error):
                raise
            _refuse_hopeless(cause, where)
            _wait(patience, cause, where)
        else:
            return


def _prepare(connect: Callable[[], Driver], where: str) -> None:
    engine = create_engine("postgresql+psycopg://", creator=connect, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            _check_server(connection, where)
            connection.exec_driver_sql(_PATIENT)
            connection.exec_driver_sql(_LOCK)
            migrate(connection)
            _check_privileges(connection, where)
    finally:
        engine.dispose()


def _check_server(connection: Connection, where: str) -> None:
    number = connection.exec_driver_sql("SHOW server_version_num").scalar_one()
    version = int(number) // 10_000
    if version < OLDEST:
        raise StartupError(f"{where} is PostgreSQL {version}: {OLDEST} or newer is needed")
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
    if encoding != "UTF8":
        text = f"{where} stores text as {encoding}: make one with createdb --encoding UTF8"
        raise StartupError(text)
    if connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar():
        raise StartupError(f"{where} is a standby: --catalog must lead to the primary")
    if connection.exec_driver_sql("SHOW fsync").scalar() != "on":
        _log.warning("%s has fsync off: a crash of its machine may lose labels", where)


def _check_privileges(connection: Connection, where: str) -> None:
    names = {"names": list(metadata.tables)}
    missing = connection.exec_driver_sql(_MISSING, names).scalars().all()
    if missing:
        text = (
            f"this user may not read and write {', '.join(map(str, missing))} in {where}: "
            "GRANT SELECT, INSERT, UPDATE, DELETE on all tables and USAGE on all sequences to it"
        )
        raise StartupError(text)


def _refuse_hopeless(error: psycopg.Error, where: str) -> None:
    """Raise StartupError for what will not go away by itself."""
    text = _said(error)
    if isinstance(error, errors.InsufficientPrivilege):
        advice = "let its owner start once, or GRANT CREATE ON SCHEMA public and the tables to it"
        raise StartupError(f"this user may not set up {where} ({text}): {advice}") from error
    if error.sqlstate is None and "FATAL" in text and not any(w in text for w in _PASSING):
        advice = "check user, password and name; createdb makes a database"
        raise StartupError(f"cannot open {where} ({text}): {advice}") from error


def _wait(patience: Patience, error: psycopg.Error, where: str) -> None:
    try:
        patience.after(error)
    except AlserviceError as last:
        advice = (
            "--catalog must lead to the primary"
            if _READ_ONLY in _said(error)
            else "check host, port and whether the server runs"
        )
        raise StartupError(f"cannot open {where} ({_said(error)}): {advice}") from last


def _said(error: psycopg.Error) -> str:
    """The server's or libpq's words, in one line."""
    return " ".join(str(error).split())
