"""The comparison as tables on a terminal."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from alservice.simulation.statistics import Summary
from alservice.simulation.words import (
    COLUMNS,
    NONE,
    OVERALL,
    counted,
    overall_words,
    row_words,
    share,
)

# What fits a terminal of 80 columns; the rest is on the page.
_SHOWN = ("strategy", "AUBC", "difference", "Holm p (t)", "final", "saving")
_OWN = "own model"
_WIDEST: Final = 100_000


def tables(summary: Summary) -> list[Table]:
    """One table per set; with several sets, ranks over them; with several competitors, wins."""
    made = [_of_set(summary, where) for where in summary.set_names]
    if len(summary.set_names) > 1 and summary.overall:
        made.append(_overall(summary))
    if len(summary.competitors) > 1:
        made.append(_wins(summary))
    return made


def show(made: Sequence[Table], console: Console) -> None:
    """Print them, wider than the console where they are: a figure that is cut off is wrong."""
    for table in made:
        whole = console.options.update(max_width=_WIDEST)
        console.width = max(console.width, console.measure(table, options=whole).maximum)
        console.print(table)
        console.print()


def _of_set(summary: Summary, where: str) -> Table:
    rows = [row for row in summary.rows if row.set_name == where]
    title = f"{where}: {counted(rows[0].seeds, 'seed')}, {counted(rows[0].labels, 'label')}"
    own = any(row.own_area is not None for row in rows)
    shown = (*_SHOWN, _OWN) if own else _SHOWN
    table = _table(title, shown)
    for row in sorted(rows, key=lambda each: -each.area):
        cells = dict(zip(COLUMNS, row_words(row, summary.reference), strict=True))
        table.add_row(*(cells[name] for name in shown))
    return table


def _overall(summary: Summary) -> Table:
    table = _table("All sets", OVERALL)
    for each in summary.overall:
        table.add_row(*overall_words(each))
    return table


def _wins(summary: Summary) -> Table:
    """How often the row beats the column, over sets and seeds."""
    table = _table("Row beats column", ("", *summary.competitors))
    for name, line in zip(summary.competitors, summary.wins, strict=True):
        table.add_row(name, *(NONE if value is None else share(value) for value in line))
    return table


def _table(title: str, columns: tuple[str, ...]) -> Table:
    table = Table(title=title, box=None, pad_edge=False, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    return table
