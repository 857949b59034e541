"""Print the newest versions that `pyproject.toml` allows, as pinned requirements.

A lock of our own making: resolved by pip in an empty environment, so that `make` and CI install
the same versions whatever came out since.
"""

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEADER = "# Written by `make lock` from pyproject.toml; what `make` installs. Do not edit."


def wanted() -> list[str]:
    """The requirements of the package and of all its extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras: list[list[str]] = list(project["optional-dependencies"].values())
    return sum(extras, start=list(project["dependencies"]))


def resolve(folder: Path) -> list[str]:
    """Install everything into an environment below `folder` and list what arrived."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--retries", "10"]
    subprocess.run([*pip, "install", "--quiet", *wanted()], check=True)
    return subprocess.check_output([*pip, "freeze"], text=True).splitlines()


def main() -> None:
    """Resolve, then print."""
    with tempfile.TemporaryDirectory() as folder:
        lines = sorted(resolve(Path(folder)), key=str.lower)
    print(HEADER, *lines, sep="\n")


if __name__ == "__main__":
    main()
