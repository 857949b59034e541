"""One version, wherever it is written."""

import tomllib
from pathlib import Path

import alservice

ROOT = Path(__file__).parents[2]


def test_package_project_and_crate_agree_on_the_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    crate = tomllib.loads((ROOT / "rust_core" / "Cargo.toml").read_text())["package"]
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]
    version = crate["version"]
    if isinstance(version, dict):
        version = workspace["version"]
    assert alservice.__version__ == project["version"] == version
