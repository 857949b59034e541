"""No file and no function grows past what a person can hold in their head."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = sorted(
    path
    for top in ("alservice", "tests", "tools", "bench")
    for path in (ROOT / top).rglob("*.py")
    if not path.is_relative_to(ROOT / "alservice" / "api")
)
RUST = sorted((ROOT / "rust_core" / "src").rglob("*.rs"))
MAX_FILE, MAX_FUNCTION = 300, 40


def name_of(path: Path) -> str:
    """The path as a reader of the report knows it."""
    return str(path.relative_to(ROOT))


def lengths(tree: ast.AST) -> dict[str, int]:
    """Lines of every function, without its decorators."""
    return {
        node.name: (node.end_lineno or 0) - node.lineno + 1
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def hand_written(text: str) -> str:
    """A Rust file without the unit tests at its end."""
    return text.partition("#[cfg(test)]\nmod ")[0]


def test_there_is_something_to_measure() -> None:
    assert len(PYTHON) > 40
    assert len(RUST) > 5


@pytest.mark.parametrize("path", PYTHON, ids=name_of)
def test_a_python_file_is_small_and_so_are_its_functions(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= MAX_FILE
    assert {k: v for k, v in lengths(ast.parse(text)).items() if v > MAX_FUNCTION} == {}


@pytest.mark.parametrize("path", RUST, ids=name_of)
def test_a_rust_file_is_small(path: Path) -> None:
    assert hand_written(path.read_text()).count("\n") <= MAX_FILE
