"""Put the figures of bench/results.json into docs/benchmarks.md: `python bench/table.py`."""

import json
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results.json"
PAGE = FOLDER.parent / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->\n"
HEAD = """| case | row | ours | beside | theirs | ratio | target | held |
|---|---|---|---|---|---|---|---|
"""

Row = dict[str, Any]


def rendered(rows: list[Row]) -> str:
    """The table, with a blank line round it."""
    return f"\n{HEAD}{''.join(map(_line, rows))}\n"


def replaced(page: str, table: str) -> str:
    """The page with the table between its two marks. Raises ValueError if they are not there."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN.strip()} or no {END.strip()}")
    return f"{before}{begin}{table}{end}{after}"


def _line(row: Row) -> str:
    start = f"| {row['case']} | `{row['name']}` |"
    if row["held"] is None:
        return f"{start} | {row['peer']} | | | | skipped: {row['reason']} |\n"
    ours, theirs = (_number(row[key], row["unit"]) for key in ("ours_s", "peer_s"))
    held = "yes" if row["held"] else "**no**"
    ratio = f"{row['ratio']:.2f}"
    return f"{start} {ours} | {row['peer']} | {theirs} | {ratio} | {row['target']} | {held} |\n"


def _number(value: float, unit: str) -> str:
    if unit == "MB":
        return f"{value:.0f} MB"
    if unit != "s":
        return f"{value:.4g}"
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.1f} ms"


if __name__ == "__main__":
    given = Path(sys.argv[1]) if sys.argv[1:] else RESULTS
    PAGE.write_text(replaced(PAGE.read_text(), rendered(json.loads(given.read_text()))))
