"""Checkers that others have written: used where they are installed, and named where not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PLACES = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"])
CHECK_S = 120


def checked(program: str, *arguments: str | Path) -> str:
    """What the program prints, which must be content. It is not in the lock: no failure in CI."""
    found = shutil.which(program, path=PLACES)
    if found is None:
        pytest.skip(f"{program} is not installed: the file is checked without it")
    done = subprocess.run(
        [found, *arguments], capture_output=True, text=True, timeout=CHECK_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
