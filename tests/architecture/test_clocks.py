"""What is remembered has the catalog's time: replicas whose clocks differ agree about it."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
READERS = {
    ("time", "time"),
    ("time", "time_ns"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
}
# Who may read the machine's clock.
ALLOWED = {
    "storage/catalog/sqlite.py",  # it is that of the catalog, whose folder has one machine
    "storage/objects/object_files.py",  # an age of a week, beyond which a stray may be removed
}


def test_only_the_catalog_of_one_machine_and_the_age_of_strays_ask_the_machines_clock() -> None:
    inside = ROOT / "alservice"
    readers = {
        path.relative_to(inside).as_posix()
        for path in inside.rglob("*.py")
        if any(readings(ast.parse(path.read_text())))
    }
    assert readers == ALLOWED


def readings(tree: ast.Module) -> Iterator[ast.AST]:
    """Where the wall clock is read, or a function that does is imported by its name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            whose = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            if (whose, node.attr) in READERS:
                yield node
        if isinstance(node, ast.ImportFrom) and any(
            (node.module, alias.name) in READERS for alias in node.names
        ):
            yield node


def test_the_core_asks_no_wall_clock() -> None:
    sources = list((ROOT / "rust_core").rglob("*.rs"))
    assert sources
    assert [path for path in sources if "SystemTime" in path.read_text()] == []
