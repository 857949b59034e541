"""A database that was copied does not work on the files of the one that it was copied from."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alservice.cli.app import build
from alservice.domain.startup import StartupError
from alservice.storage.catalog.postgres import PostgresCatalog
from alservice.storage.files import LocalPlace
from alservice.usecases.claim_place import claim_place
from tests.postgres.server import PostgresServer


@contextmanager
def catalog(server: PostgresServer, name: str) -> Iterator[PostgresCatalog]:
    opened = PostgresCatalog(server.dsn(name))
    try:
        yield opened
    finally:
        opened.close()


def test_a_copy_of_the_database_is_refused_until_it_adopts_the_place(
    server: PostgresServer, tmp_path: Path
) -> None:
    place = LocalPlace(tmp_path / "place")
    with server.database() as first:
        with catalog(server, first) as opened:
            claim_place(opened, place)
        with server.database(first) as second:
            with (
                catalog(server, second) as copy,
                pytest.raises(StartupError, match="is a copy of the one that the files belong to"),
            ):
                claim_place(copy, place)
            flags = ["--catalog", server.dsn(second), "--objects", str(tmp_path / "place")]
            done = CliRunner().invoke(build(), ["adopt", "--data", str(tmp_path), *flags])
            assert done.exit_code == 0, done.output
            with catalog(server, second) as copy:
                claim_place(copy, place)
            with (
                catalog(server, first) as opened,
                pytest.raises(StartupError, match="held by another copy"),
            ):
                claim_place(opened, place)


def test_a_user_who_may_not_ask_the_server_who_it_is_is_refused_nothing(
    server: PostgresServer, tmp_path: Path
) -> None:
    with server.database() as name, catalog(server, name) as opened:
        claim_place(opened, LocalPlace(tmp_path))
        assert opened.read(lambda tx: tx.cluster.database())
        server.ask("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC", name)
        server.ask("CREATE ROLE humble LOGIN", name)
        server.ask(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO humble", name
        )
        server.ask("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO humble", name)
        humble = PostgresCatalog(server.dsn(name, user="humble"))
        assert humble.read(lambda tx: tx.cluster.database()) == ""
        claim_place(humble, LocalPlace(tmp_path))
        humble.close()
