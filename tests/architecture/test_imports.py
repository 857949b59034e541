"""An allow-list to go with import-linter's deny-list: what the inside may import at all."""

import sys

import grimp

INSIDE = {"domain", "ports", "usecases", "strategies", "learners", "core"}
NO_IO = {
    "asyncio",
    "http",
    "multiprocessing",
    "pickle",
    "shelve",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "urllib",
}
QUIET = (set(sys.stdlib_module_names) - NO_IO) | {"alservice", "numpy"}
MORE_FOR = {
    "learners": {"scipy", "sklearn", "threadpoolctl"},
    "usecases": {"safetensors"},  # a data format: model heads are bytes of it
}


def folder(module: str) -> str:
    """The first folder below the package, or nothing for the package itself."""
    return [*module.split("."), ""][1]


def imports_of_the_inside() -> set[tuple[str, str]]:
    """Pairs of a module inside and the top-level package that it imports."""
    graph = grimp.build_graph("alservice", include_external_packages=True, cache_dir=None)
    inside = {module for module in graph.modules if folder(module) in INSIDE}
    return {
        (module, target.split(".")[0])
        for module in inside
        for target in graph.find_modules_directly_imported_by(module)
    }


def test_the_inside_imports_numpy_and_a_quiet_part_of_the_standard_library() -> None:
    imports = imports_of_the_inside()
    assert {folder(module) for module, _ in imports} == INSIDE
    strange = {
        (module, target)
        for module, target in imports
        if target not in QUIET | MORE_FOR.get(folder(module), set())
    }
    assert strange == set()
