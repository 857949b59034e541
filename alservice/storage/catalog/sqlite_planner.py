"""What SQLite's planner is told about the data, before there is any.

Without statistics SQLite takes every index column to be worth little, and walks all labels of a
project to find those of one item. To gather real ones would cost a scan and give plans that
change by themselves; so the shape of a grown project is written down here
(https://www.sqlite.org/fileformat2.html#stat1tab allows that).
"""

from typing import Final

from sqlalchemy import Connection

_ROWS: Final = 1_000_000
# Distinct values within one project, roughly; a column that is not here tells rows apart.
_DISTINCT: Final = {
    "project_id": 10,
    "state": 4,
    "outcome": 3,
    "provenance": 3,
    "class_id": 20,
    "annotator_id": 20,
    "upload_id": 100,
    "revision": 5_000,
    "batch_id": 5_000,
    "expire_time_ms": 5_000,
    "create_time_ms": 20_000,
    "item_id": 50_000,
}
_SEVERAL: Final = {"batches": 100, "models": 1_000, "operations": 1_000, "projects": 100_000}
_INDICES: Final = """
    SELECT t.name AS tab, i.name AS idx, i.partial AS part,
        t.wr AND i.origin = 'pk' AS is_table  -- the primary key of a table without row ids
    FROM pragma_table_list AS t, pragma_index_list(t.name) AS i
    WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite_%'
"""


def teach_planner(connection: Connection) -> None:
    """Write the statistics; connections that are opened from now on go by them."""
    run = connection.exec_driver_sql
    # Makes the table of statistics, and scans nothing.
    run("ANALYZE sqlite_schema").close()
    run("DELETE FROM sqlite_stat1").close()
    for found in run(_INDICES).all():
        columns = run("SELECT name FROM pragma_index_info(?)", (found.idx,)).scalars().all()
        name = found.tab if found.is_table else found.idx
        rows = _ROWS // _SEVERAL.get(found.tab, 1) // (100 if found.part else 1)
        shape = (found.tab, name, _shape(rows, [str(column) for column in columns]))
        run("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", shape).close()


def _shape(rows: int, columns: list[str]) -> str:
    """The number of rows, then how many of them share each longer prefix of the columns."""
    numbers, share = [rows], rows
    for column in columns:
        share = max(1, share // _DISTINCT.get(column, rows))
        numbers.append(share)
    return " ".join(map(str, numbers))
