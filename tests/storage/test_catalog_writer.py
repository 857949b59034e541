"""The thread that writes may fail, but nobody waits for it for ever, and it waits for nobody."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Connection

from alservice.domain.errors import ShuttingDown
from alservice.ports.catalog import Tx
from alservice.storage.catalog import sqlite_file
from alservice.storage.catalog import writer as module
from alservice.storage.catalog.sqlite import SqliteCatalog
from alservice.storage.open_place import open_place
from alservice.usecases.claim_place import claim_place
from tests.running_server import command, environment

PATIENCE_S = 60
SERVE_WITH_A_BROKEN_WRITER = """
from alservice.__main__ import main
from alservice.storage.catalog.writer import Writer

def fail(_writer):
    raise OSError("the disk has gone")

Writer._keep_log_short = fail
main()
"""


def begin_a_folder(folder: Path) -> None:
    """What a first start leaves."""
    catalog, place = SqliteCatalog(folder), open_place(None, folder, None)
    claim_place(catalog, place)
    place.close()
    catalog.close()


def before_command(
    monkeypatch: pytest.MonkeyPatch, look: Callable[[Connection, str], None]
) -> None:
    """Let `look` see, or refuse, what the writer tells SQLite."""

    def seen(connection: Connection, text: str) -> None:
        look(connection, text)
        sqlite_file.command(connection, text)

    monkeypatch.setattr(module, "command", seen)


def test_everybody_is_answered_when_the_writer_cannot_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed, begun = Event(), Event()
    catalog = SqliteCatalog(tmp_path, on_failure=failed.set)

    def refuse(_: Connection, text: str) -> None:
        if text == "ROLLBACK":
            raise sqlite3.OperationalError("disk I/O error")

    def fail(_: Tx) -> None:
        begun.set()
        pause = Event()
        while catalog._writer._jobs.qsize() < 2:
            pause.wait(0.001)
        raise ValueError("mine")

    before_command(monkeypatch, refuse)
    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(catalog.transact, fail)
        assert begun.wait(PATIENCE_S)
        queued = [threads.submit(catalog.transact, Tx.now_ms) for _ in range(2)]
        with pytest.raises(ValueError, match="mine"):
            first.result(PATIENCE_S)
        for call in queued:
            with pytest.raises(ShuttingDown):
                call.result(PATIENCE_S)
    assert failed.wait(PATIENCE_S)
    with pytest.raises(ShuttingDown):
        catalog.transact(Tx.now_ms)
    catalog.close()


def test_a_server_that_cannot_write_any_more_ends_and_says_so(tmp_path: Path) -> None:
    begin_a_folder(tmp_path / "data")
    flags = command(tmp_path / "data")[3:]
    ended = subprocess.run(
        [sys.executable, "-c", SERVE_WITH_A_BROKEN_WRITER, *flags],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == 1
    assert "the disk has gone" in said and "drained" in said


def test_a_log_that_nobody_can_measure_stops_nothing() -> None:
    assert sqlite_file.wal_bytes(Path("x" * 5000)) == 0


def test_commits_do_not_wait_long_for_a_reader_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: dict[str, int] = {}

    def note(connection: Connection, text: str) -> None:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        (waits[text],) = driver.execute("PRAGMA busy_timeout").fetchone()

    before_command(monkeypatch, note)
    monkeypatch.setattr(module, "WAL_LIMIT_BYTES", 1)
    catalog = SqliteCatalog(tmp_path)
    for _ in range(3):
        catalog.transact(lambda tx: tx.operations.disown(tx.now_ms()))
    catalog.close()
    assert waits["PRAGMA wal_checkpoint(TRUNCATE)"] <= 50
    assert waits["BEGIN IMMEDIATE"] == sqlite_file.BUSY_TIMEOUT_MS
