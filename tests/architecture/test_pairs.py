"""One thing, one file, one test beside its name."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("strategies", "learners", "usecases")
NO_NAMES = {"utils", "util", "helpers", "common", "manager", "misc"}


def things_in(folder: str) -> list[str]:
    """Names of the modules that hold one strategy, learner or use case each."""
    files = (ROOT / "alservice" / folder).glob("*.py")
    return sorted(path.stem for path in files if not path.stem.startswith("_"))


@pytest.mark.parametrize("folder", FOLDERS)
def test_everything_has_a_test_beside_its_name(folder: str) -> None:
    things = things_in(folder)
    assert things
    tests = {path.name for path in (ROOT / "tests" / folder).glob("test_*.py")}
    assert [name for name in things if f"test_{name}.py" not in tests] == []


def test_nothing_is_called_by_what_it_is_not() -> None:
    files = [path for top in ("alservice", "tests") for path in (ROOT / top).rglob("*.py")]
    assert files
    assert [path for path in files if NO_NAMES & {path.stem, *path.stem.split("_")}] == []
