"""The table of figures that the documentation shows."""

import json
from pathlib import Path

import pytest

from bench.rows import compare, skipped
from bench.table import BEGIN, END, PAGE, rendered, replaced

ROOT = Path(__file__).parents[2]


def row(case: str, made: object) -> dict[str, object]:
    return {"case": case, **json.loads(json.dumps(made))}


def test_a_row_tells_both_sides_in_their_unit_and_whether_the_target_was_held() -> None:
    fast = compare("fast", 0.0125, "them", 2.5, ">=", 100).as_json()
    large = compare("large", 5000.0, "limit", 4096.0, "<=", 1, unit="MB").as_json()
    table = rendered([row("one", fast), row("two", large)])
    assert "| one | `fast` | 12.5 ms | them | 2.50 s | 200.00 | >= 100 x | yes |" in table
    assert "| two | `large` | 5000 MB | limit | 4096 MB | 1.22 | <= 1 x | **no** |" in table


def test_a_row_that_was_skipped_says_why() -> None:
    table = rendered([row("one", skipped("gone", "them", "not here").as_json())])
    assert "`gone` | | them | | | | skipped: not here |" in table


def test_only_what_is_between_the_marks_is_replaced() -> None:
    page = f"before\n{BEGIN}old\n{END}after\n"
    assert replaced(page, "new\n") == f"before\n{BEGIN}new\n{END}after\n"
    with pytest.raises(ValueError, match="figures"):
        replaced("before\nafter\n", "new\n")


def test_the_documentation_has_the_marks() -> None:
    page = PAGE.read_text()
    assert replaced(page, "") != page
