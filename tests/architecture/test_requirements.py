"""What users install is what is tested, and names no place of this machine or another."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def locked() -> list[str]:
    """The lines of the lock, without comments."""
    lines = (ROOT / "requirements-dev.lock").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


def name_of(requirement: str) -> str:
    """The normalised name of a requirement (PEP 503)."""
    name = re.split(r"[<>=!~\[; ]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_requirement_of_the_project_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    wanted = {*project["dependencies"], *(line for extra in extras for line in extra)}
    assert {name_of(line) for line in wanted} <= {name_of(line) for line in locked()}


def test_the_lock_has_exact_versions_and_no_addresses() -> None:
    assert [line for line in locked() if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
