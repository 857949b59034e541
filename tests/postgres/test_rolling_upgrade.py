"""Migrations with replicas: run once by whoever is first, and old replicas work on meanwhile."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.command import upgrade
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from alservice.storage.catalog import migrate
from alservice.storage.catalog.postgres import PostgresCatalog
from alservice.storage.catalog.schema import metadata
from tests.contract.catalog_rows import P, a_batch, a_project
from tests.postgres.server import PostgresServer

SCRIPTS = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
REVISIONS = [script.revision for script in reversed(list(SCRIPTS.walk_revisions()))]
OLD, HEAD = REVISIONS[:-1], REVISIONS[-1]


def engine_of(server: PostgresServer, name: str) -> sa.Engine:
    uri = server.dsn(name).replace("postgresql://", "postgresql+psycopg://")
    return sa.create_engine(uri, poolclass=sa.NullPool)


def bring_to(server: PostgresServer, name: str, revision: str) -> None:
    """The database as the program of that revision left it."""
    config = Config()
    config.set_main_option("script_location", str(migrate._SCRIPTS))
    config.set_main_option("path_separator", "os")
    with engine_of(server, name).begin() as connection:
        config.attributes["connection"] = connection
        upgrade(config, revision)


def test_replicas_that_start_together_migrate_once(server: PostgresServer, empty: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        opened = list(pool.map(lambda _: PostgresCatalog(server.dsn(empty)), range(6)))
    opened[0].transact(lambda tx: tx.projects.insert(a_project()))
    assert {catalog.read(lambda tx: tx.projects.get(P)) for catalog in opened} == {a_project()}
    assert len({catalog.read(lambda tx: tx.cluster.get().uid) for catalog in opened}) == 1
    for catalog in opened:
        catalog.close()
    assert server.ask("SELECT version_num FROM alembic_version", empty) == [(HEAD,)]


def test_migrations_make_what_the_tables_say(server: PostgresServer) -> None:
    with server.database() as name, engine_of(server, name).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def values(table: sa.Table, text: str) -> Mapping[str, Any]:
    """A row: any value that its columns take."""
    plain = {sa.Text: text, sa.Boolean: False, sa.LargeBinary: b"x", sa.Double: 0.5}
    return {
        column.name: next((v for kind, v in plain.items() if isinstance(column.type, kind)), 7)
        for column in table.columns
    }


@pytest.mark.parametrize("revision", OLD)
def test_the_statements_of_an_old_replica_work_on_the_newest_schema(
    server: PostgresServer, empty: str, revision: str
) -> None:
    bring_to(server, empty, revision)
    known = sa.MetaData()
    with engine_of(server, empty).connect() as connection:
        known.reflect(connection)  # all that a program of that revision can name
    PostgresCatalog(server.dsn(empty)).close()
    tables = [table for table in known.sorted_tables if table.name != "alembic_version"]
    assert len(tables) >= 12
    with engine_of(server, empty).begin() as connection:
        for table in tables:
            connection.execute(table.delete())
            connection.execute(table.insert(), values(table, "old"))
            changed = values(table, "new")
            connection.execute(table.update().values(changed))
            assert [dict(row) for row in connection.execute(sa.select(table)).mappings()] == [
                changed
            ]
            connection.execute(table.delete())


@pytest.mark.parametrize("revision", OLD)
def test_an_old_database_is_brought_up_to_date_under_an_old_replica(
    server: PostgresServer, empty: str, revision: str
) -> None:
    bring_to(server, empty, revision)
    old = sa.MetaData()
    with engine_of(server, empty).begin() as connection:
        old.reflect(connection)
        batches = old.tables["batches"]
        connection.execute(batches.insert(), values(batches, "before"))
    catalog = PostgresCatalog(server.dsn(empty))
    with engine_of(server, empty).begin() as connection:  # the old replica has not gone yet
        connection.execute(batches.insert(), values(batches, "after"))
    catalog.transact(lambda tx: tx.batches.insert("new", a_batch("new", "i-1")))
    for name in ("before", "after", "new"):
        batch = catalog.read(lambda tx, n=name: tx.batches.get(n, n))  # type: ignore[misc]
        assert batch is not None and batch.batch_id == name
    catalog.close()
