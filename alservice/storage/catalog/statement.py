"""Statements that are compiled once and from then on run on the driver's own cursor.

SQLAlchemy writes the SQL, and knows how each database stores each type. But to run a statement by
way of it takes ten times as long as the statement, and a transaction is a dozen small ones.
"""

import collections
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeVar

from sqlalchemy import Boolean, Dialect, Executable, Select
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.types import TypeDecorator, TypeEngine

T = TypeVar("T")
Values = Mapping[str, Any]
Convert = Callable[[Any], Any]

_COMPILED: Final = 2048  # each statement, for each database and for a few lengths of its IN


class Answer:
    """All rows at once: tuples whose fields have the names of the columns."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: list[Any], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> list[Any]:
        """The rows."""
        return self._rows

    def first(self) -> Any | None:
        """The first row, if there is one."""
        return self._rows[0] if self._rows else None

    def one(self) -> Any:
        """The only row."""
        (row,) = self._rows
        return row

    def scalar(self) -> Any | None:
        """The first value of the first row, if there is one."""
        return self._rows[0][0] if self._rows else None

    def scalars(self) -> list[Any]:
        """The first value of each row."""
        return [row[0] for row in self._rows]


@dataclass(frozen=True, slots=True)
class Compiled:
    """SQL of one database, and how values go in and come out."""

    sql: str
    order: tuple[str, ...] | None  # of parameters, for a driver that takes them by position
    constants: Values
    writers: Mapping[str, Convert]
    make: Callable[[Any], Any] | None  # None: it answers with no rows
    readers: tuple[tuple[int, Convert], ...]

    def parameters(self, values: Values) -> Sequence[Any] | Values:
        """What the driver takes."""
        given = {**self.constants, **values}
        for name, write in self.writers.items():
            given[name] = write(given[name])
        return given if self.order is None else [given[name] for name in self.order]

    def row(self, found: Sequence[Any]) -> Any:
        """What a row of the driver's says."""
        if self.readers:
            changed = list(found)
            for place, read in self.readers:
                changed[place] = read(changed[place])
            found = changed
        return self.make(found) if self.make else found


def run(
    driver: Any, dialect: Dialect, statement: Executable, values: Values | Sequence[Values]
) -> Answer:
    """Run a statement; once for each mapping, if there are many. Raises the driver's errors.

    A list among the values is for an IN: it is filled up to the next power of two with
    repetitions, so that there are few lengths to compile.
    """
    cursor = driver.cursor()
    try:
        if not isinstance(values, Mapping):
            ready = compiled(statement, dialect, tuple(values[0]), 0)
            cursor.executemany(ready.sql, [ready.parameters(each) for each in values])
            return Answer([], cursor.rowcount)
        values, length = _spread(values)
        ready = compiled(statement, dialect, tuple(values), length)
        cursor.execute(ready.sql, ready.parameters(values))
        rows = [ready.row(found) for found in cursor.fetchall()] if ready.make else []
        return Answer(rows, cursor.rowcount)
    finally:
        cursor.close()


def _spread(values: Values) -> tuple[Values, int]:
    """The values with each entry of a list under a name of its own, and the list's length."""
    for name, value in values.items():
        if isinstance(value, list):
            length = 1 << (len(value) - 1).bit_length()
            entries = value + value[-1:] * (length - len(value))
            rest = {key: each for key, each in values.items() if key != name}
            return rest | {f"{name}_{i}": each for i, each in enumerate(entries, 1)}, length
    return values, 0


@lru_cache(_COMPILED)
def compiled(statement: Any, dialect: Dialect, names: tuple[str, ...], length: int) -> Compiled:
    """The statement for these parameters, and an IN of this length."""
    made: Any = statement.compile(dialect=dialect, column_keys=list(names))
    listed = {_list_name(names): [None] * length} if length else {}
    state = made.construct_expanded_state({**dict.fromkeys(names), **listed})
    writers = {
        name: write
        for bind, name in made.bind_names.items()
        if not bind.expanding
        and (write := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None
    }
    columns = _columns(statement)
    readers = [_reader(column.type, dialect) for column in columns]
    return Compiled(
        sql=state.statement,
        order=tuple(state.positiontup) if made.positional else None,
        constants={name: v for name, v in state.parameters.items() if name not in names},
        writers=writers,
        make=_row_type([column.key for column in columns])._make if columns else None,
        readers=tuple((i, read) for i, read in enumerate(readers) if read is not None),
    )


def _reader(kind: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    """What turns a driver's value into ours; None for the many that are right as they come."""
    if isinstance(kind, TypeDecorator | Boolean):
        return kind.dialect_impl(dialect).result_processor(dialect, None)
    return None


def _list_name(names: tuple[str, ...]) -> str:
    """What the list was called whose entries `_spread` has named."""
    return names[-1].rpartition("_")[0]


def _columns(statement: Executable) -> list[Any]:
    if isinstance(statement, Select):
        return list(statement.selected_columns)
    return list(statement.exported_columns) if isinstance(statement, UpdateBase) else []


def _row_type(names: list[str]) -> Any:
    """A tuple whose fields are the columns, and that can be read as a mapping too."""
    plain: Any = collections.namedtuple("Row", names, rename=True)  # type: ignore[misc]  # noqa: PYI024 - fields differ by statement
    return type("Row", (plain,), {"__slots__": (), "_mapping": property(plain._asdict)})
