"""What every table needs to run its statements inside one transaction.

Statements are built once, at import, and compiled once for each database, so that a small
transaction costs little more than the disk's flush.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, Final, TypeVar, cast

from sqlalchemy import Dialect, Executable, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite

from alservice.storage.catalog.statement import Answer, Values, run

T = TypeVar("T")
Record = dict[str, Any]

_CHUNK: Final = 500  # values per IN list: far below the limit of parameters of any database
_INSERT: Final = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class Session:
    """One transaction on a driver's connection, which may be one that only `reads`."""

    __slots__ = ("_clock_ms", "_dialect", "_driver", "_now_ms", "reads")

    def __init__(
        self, driver: Any, dialect: Dialect, clock_ms: Callable[[], int], *, reads: bool = False
    ) -> None:
        self._driver = driver
        self._dialect = dialect
        self._clock_ms = clock_ms
        self._now_ms: int | None = None
        self.reads = reads

    @property
    def dialect(self) -> str:
        """The name of the database's dialect."""
        return self._dialect.name

    @property
    def now_ms(self) -> int:
        """The database's clock when it was first asked; from then on it stands still.

        Not when the transaction began: one that has waited for a lock since must not see a time
        before that of the one for which it waited.
        """
        if self._now_ms is None:
            self._now_ms = self._clock_ms()
        return self._now_ms

    def execute(self, statement: Executable, values: Values | Sequence[Values]) -> Answer:
        """Run a statement, once for each mapping. Raises the driver's errors."""
        return run(self._driver, self._dialect, statement, values)

    def insert_all(self, statement: Insert, rows: Sequence[tuple[object, ...]]) -> None:
        """Run an INSERT for rows in the order of the table's columns, which need no conversion.

        Three times as fast as `execute` with a list of dictionaries. Raises the driver's errors.
        """
        sql, names = _compiled(statement, self._dialect)
        cursor = self._driver.cursor()
        try:
            if names is None:
                cursor.executemany(sql, rows)
            else:
                cursor.executemany(sql, [dict(zip(names, row, strict=True)) for row in rows])
        finally:
            cursor.close()


@cache
def _compiled(statement: Insert, dialect: Dialect) -> tuple[str, list[str] | None]:
    """SQL, and the names of its parameters where the driver wants them by name."""
    names = [column.name for column in statement.table.columns]
    compiled = statement.compile(dialect=dialect, column_keys=names)
    return str(compiled), None if dialect.positional else names


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """The distinct values, in lists short enough for IN."""
    distinct = iter(dict.fromkeys(values))
    while part := list(islice(distinct, _CHUNK)):
        yield part


@cache
def upsert(dialect: str, table: Table) -> Insert:
    """INSERT that replaces the row of the same primary key."""
    insert = _insert(dialect, table)
    new = {c.name: insert.excluded[c.name] for c in table.columns if not c.primary_key}
    return insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=new)


@cache
def insert_or_skip(dialect: str, table: Table) -> Insert:
    """INSERT that does nothing if the primary key is taken."""
    insert = _insert(dialect, table)
    return insert.on_conflict_do_nothing(index_elements=list(table.primary_key))


def _insert(dialect: str, table: Table) -> sqlite.Insert:
    # The two dialects' inserts are alike in what is used here.
    return cast("sqlite.Insert", _INSERT[dialect](table))
