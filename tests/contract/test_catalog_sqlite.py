"""What only a file can suffer: kill -9, a full disk, two owners, a schema from the future."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from alservice.domain.errors import DiskFull
from alservice.domain.startup import StartupError
from alservice.ports.catalog import Tx
from alservice.storage.catalog.schema import metadata
from alservice.storage.catalog.sqlite import SqliteCatalog
from alservice.storage.catalog.sqlite_file import WAL_LIMIT_BYTES
from alservice.storage.folder_lock import FolderInUse, FolderLock
from tests.contract.catalog_rows import P, a_project, a_segment, an_answer

ROOT = Path(__file__).parents[2]
WRITE_FOR_EVER = """
import os, sys, threading
from pathlib import Path
from alservice.storage.catalog.sqlite import SqliteCatalog
from tests.contract.catalog_rows import P, a_project, an_answer

catalog = SqliteCatalog(Path(sys.argv[1]))
catalog.transact(lambda tx: tx.projects.insert(a_project()))

def work():
    while True:
        (seq,) = catalog.transact(lambda tx: tx.labels.append(P, [an_answer("i")]))
        os.write(1, f"{seq}\\n".encode())  # in one piece, whoever else writes

for _ in range(4):
    threading.Thread(target=work).start()
"""


def start(program: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    )


def test_every_acknowledged_commit_outlives_a_kill(tmp_path: Path) -> None:
    recorded: set[int] = set()
    for _ in range(3):
        with start(WRITE_FOR_EVER, tmp_path) as process:
            assert process.stdout is not None
            acknowledged = {int(process.stdout.readline()) for _ in range(40)}
            process.kill()
            # A line cut short by the kill was not read by anybody.
            rest = process.stdout.read().split("\n")[:-1]
        acknowledged |= {int(line) for line in rest if line}
        catalog = SqliteCatalog(tmp_path)
        lines = catalog.read(lambda tx: tx.labels.page(P, 0, 10**6, settled_only=False))
        catalog.close()
        assert [line.seq for line in lines] == list(range(1, len(lines) + 1))
        recorded |= acknowledged
        assert recorded <= {line.seq for line in lines}


def test_a_folder_in_use_is_refused_with_the_pid_of_its_holder(tmp_path: Path) -> None:
    with start(WRITE_FOR_EVER, tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        with pytest.raises(FolderInUse, match=str(process.pid)) as caught:
            SqliteCatalog(tmp_path)
        process.kill()
    assert caught.value.pid == process.pid
    SqliteCatalog(tmp_path).close()


def test_a_process_cannot_open_a_folder_twice(tmp_path: Path) -> None:
    catalog = SqliteCatalog(tmp_path)
    with pytest.raises(FolderInUse) as caught:
        SqliteCatalog(tmp_path)
    assert caught.value.pid == os.getpid()
    catalog.close()
    SqliteCatalog(tmp_path).close()


def test_a_lock_is_let_go_once(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    lock.release()
    again = FolderLock(tmp_path)
    lock.release()
    with pytest.raises(FolderInUse):
        FolderLock(tmp_path)
    again.release()


def test_a_full_disk_is_told_and_survived(tmp_path: Path) -> None:
    catalog = SqliteCatalog(tmp_path, page_limit=200)
    catalog.transact(lambda tx: tx.projects.insert(a_project()))

    def fill(tx: Tx) -> None:
        tx.labels.append(P, [an_answer("gone")])
        tx.segments.store(a_segment("s-1"), bytes(200 * 4096))

    with pytest.raises(DiskFull):
        catalog.transact(fill)
    assert list(catalog.transact(lambda tx: tx.labels.append(P, [an_answer("kept")]))) == [1]
    lines = catalog.read(lambda tx: tx.labels.page(P, 0, 9, settled_only=False))
    assert [line.item_id for line in lines] == ["kept"]
    catalog.close()


def test_the_operating_systems_own_word_for_a_full_disk_is_understood(tmp_path: Path) -> None:
    def fail(_: Tx) -> None:
        raise OSError(28, "No space left on device")

    catalog = SqliteCatalog(tmp_path)
    with pytest.raises(DiskFull):
        catalog.transact(fail)
    assert catalog.transact(lambda tx: tx.projects.insert(a_project()))
    catalog.close()


def test_the_log_is_folded_into_the_file(tmp_path: Path) -> None:
    catalog = SqliteCatalog(tmp_path)
    log = tmp_path / "catalog.sqlite3-wal"
    for n in range(12):
        row = a_segment(f"s-{n}")
        catalog.transact(lambda tx, row=row: tx.segments.store(row, bytes(1 << 20)))  # type: ignore[misc]
        assert log.stat().st_size < 3 * WAL_LIMIT_BYTES
    catalog.close()
    assert not log.exists()


def test_a_stopped_work_does_not_stop_the_writer(tmp_path: Path) -> None:
    def leave(_: Tx) -> None:
        raise SystemExit(1)

    catalog = SqliteCatalog(tmp_path)
    with pytest.raises(SystemExit):
        catalog.transact(leave)
    assert catalog.transact(lambda tx: tx.projects.insert(a_project()))
    catalog.close()


def test_migrations_make_what_the_tables_say(tmp_path: Path) -> None:
    SqliteCatalog(tmp_path).close()
    engine = create_engine(f"sqlite:///{tmp_path}/catalog.sqlite3")
    made = create_engine("sqlite://")
    metadata.create_all(made)
    others = "'sqlite_stat1', 'alembic_version'"
    statements = f"SELECT name, sql FROM sqlite_schema WHERE tbl_name NOT IN ({others})"  # noqa: S608
    with engine.connect() as migrated, made.connect() as direct:
        assert compare_metadata(MigrationContext.configure(migrated), metadata) == []
        rows = [c.exec_driver_sql(statements).all() for c in (migrated, direct)]
    normal = [{r.name: words_of(r.sql) for r in found if r.sql} for found in rows]
    assert len(normal[0]) > 20
    assert normal[0] == normal[1]
    engine.dispose()
    made.dispose()


def words_of(sql: str) -> list[str]:
    """The clauses of a statement, whatever their order and spacing."""
    return sorted(" ".join(part.split()).strip(" ()") for part in sql.split(","))


def test_a_schema_from_the_future_is_refused(tmp_path: Path) -> None:
    SqliteCatalog(tmp_path).close()
    engine = create_engine(f"sqlite:///{tmp_path}/catalog.sqlite3")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    for _ in range(2):
        with pytest.raises(StartupError, match=r"9999.*upgrade"):
            SqliteCatalog(tmp_path)
