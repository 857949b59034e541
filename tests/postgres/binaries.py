"""Where the programs of PostgreSQL and PgBouncer are, and as whom they run.

What is missing is installed where that is possible. Else the tests that need it are skipped by
name; under CI they fail.
"""

import os
import pwd
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INSTALL = "tools/install_postgres.sh"
INSTALL_S = 600


def find(program: str) -> str:
    """The program's path. Fails under CI where there is none; elsewhere it skips the test."""
    found = _search(program)
    if found is None and _install():
        found = _search(program)
    if found is None:
        text = f"{program} is not installed: {INSTALL} installs it on Debian and Ubuntu, as root"
        if os.environ.get("CI"):
            pytest.fail(text)
        pytest.skip(text)
    return found


def user() -> str | None:
    """As whom servers run, which refuse to be run by root; None: as whoever runs the tests."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _search(program: str) -> str | None:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    places = [*map(str, versions), "/usr/local/bin", "/usr/sbin", os.environ.get("PATH", "")]
    return shutil.which(program, path=os.pathsep.join(places))


@cache
def _install() -> bool:
    """Whether the packages could be installed."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    done = subprocess.run(
        [str(ROOT / INSTALL)], capture_output=True, timeout=INSTALL_S, check=False
    )
    return done.returncode == 0
