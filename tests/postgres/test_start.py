"""A start that cannot go well ends in one clear error, which shows no password."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from alservice.domain.startup import StartupError
from alservice.storage.catalog.postgres import PostgresCatalog
from alservice.storage.catalog.postgres_dsn import connection_parameters, described
from alservice.storage.catalog.postgres_patience import AWAY_S
from tests.postgres.server import PostgresServer
from tests.running_server import command, environment

SECRET = "hunter2"


def refusal(dsn: str) -> str:
    with pytest.raises(StartupError) as caught:
        PostgresCatalog(dsn, away_s=0.1)
    return str(caught.value)


def test_a_database_that_is_not_there(server: PostgresServer) -> None:
    text = refusal(server.dsn("nowhere", password=SECRET))
    assert '"nowhere" does not exist' in text and "createdb" in text
    assert SECRET not in text


def test_a_user_that_is_not_there(server: PostgresServer) -> None:
    text = refusal(server.dsn("postgres", user="nobody-at-all", password=SECRET))
    assert '"nobody-at-all" does not exist' in text and "check user" in text
    assert SECRET not in text


def test_a_server_that_does_not_answer(tmp_path: Path) -> None:
    text = refusal(f"postgresql://me:{SECRET}@/db?host={tmp_path}")
    assert f"cannot open database db on {tmp_path}" in text and "whether the server runs" in text
    assert SECRET not in text


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://me:{SECRET}/x@host/db",
        f"postgresql://me:p@{SECRET}@host/db",
        f"postgresql://me@host/db?{SECRET}=1",
        f"postgresql://me@host:{SECRET}/db",
        f"postgresql://me:%zz{SECRET}@host/db",
    ],
)
def test_an_address_that_is_none_is_not_repeated(dsn: str) -> None:
    text = refusal(dsn)
    assert "percent-encoded" in text
    assert SECRET not in text


def test_a_user_who_may_not_make_tables(server: PostgresServer, empty: str) -> None:
    make_role(server, "guest")
    text = refusal(server.dsn(empty, user="guest"))
    assert "permission denied" in text and "GRANT" in text


def test_a_user_who_may_not_write(server: PostgresServer) -> None:
    make_role(server, "reader")
    with server.database() as name:
        server.ask("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", name)
        text = refusal(server.dsn(name, user="reader"))
        server.ask("DROP OWNED BY reader", name)
    assert "may not read and write artefacts, batch_items" in text and "GRANT" in text


def make_role(server: PostgresServer, name: str) -> None:
    if not server.ask(f"SELECT FROM pg_roles WHERE rolname = '{name}'"):
        server.ask(f"CREATE ROLE {name} LOGIN")


def test_a_schema_from_the_future(server: PostgresServer) -> None:
    with server.database() as name:
        server.ask("UPDATE alembic_version SET version_num = '9999'", name)
        assert "9999" in (text := refusal(server.dsn(name))) and "upgrade" in text
        assert server.ask("SELECT version_num FROM alembic_version", name) == [("9999",)]


def test_a_database_with_another_encoding(server: PostgresServer) -> None:
    make = "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
    server.ask(make)
    try:
        assert "LATIN1" in (text := refusal(server.dsn("latin"))) and "--encoding UTF8" in text
    finally:
        server.ask("DROP DATABASE latin")


def test_what_is_shown_of_an_address() -> None:
    assert described(f"postgres://me:{SECRET}@db.example:5433/al") == ("database al on db.example")
    several = connection_parameters("postgresql://a,b:5433/al?connect_timeout=9")
    assert (several["host"], several["connect_timeout"]) == ("a,b", "9")
    idle, every, count = (
        int(several[f"keepalives_{name}"]) for name in ("idle", "interval", "count")
    )
    # Together with what a call waits for a new connection: less than callers' half a minute.
    vanished_s = max(idle + every * count, int(several["tcp_user_timeout"]) / 1000)
    assert vanished_s + AWAY_S + int(connection_parameters("")["connect_timeout"]) <= 20


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("", "read-write"),
        ("?target_session_attrs=any", "read-write"),
        ("?target_session_attrs=prefer-standby", "read-write"),
        ("?target_session_attrs=primary", "primary"),
    ],
)
def test_of_several_hosts_the_primary_is_meant(said: str, meant: str) -> None:
    assert connection_parameters(f"postgresql://a,b/al{said}")["target_session_attrs"] == meant


RUN = """
import runpy, sys
sys.path.insert(0, sys.argv.pop(1))
runpy.run_module("alservice", run_name="__main__", alter_sys=True)
"""


def serve(folder: Path, dsn: str) -> tuple[int, str]:
    """Exit code and words of a server that does not start; modules in `folder` come first."""
    program = [sys.executable, "-c", RUN, str(folder), *command(folder / "data")[3:]]
    done = subprocess.run(
        [*program, "--catalog", dsn],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stderr


def test_the_command_line_says_it_in_one_line(server: PostgresServer, tmp_path: Path) -> None:
    code, said = serve(tmp_path, server.dsn("nowhere", password=SECRET))
    assert code == 2
    told, last = said.splitlines()
    assert json.loads(told)["event"].startswith(
        "opening the catalog: PostgreSQL, database nowhere"
    )
    assert last.startswith("alservice: cannot open database nowhere")
    assert SECRET not in said


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "psycopg.py").write_text("raise ModuleNotFoundError('psycopg', name='psycopg')")
    code, said = serve(tmp_path, "postgres://x/y")
    assert (code, said.count("\n")) == (2, 1)
    assert "pip install 'alservice[postgres]'" in said
