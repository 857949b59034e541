"""Other processes of a case: peers with a server of their own, and load."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]


@contextmanager
def beside(module: str, *arguments: str) -> Iterator[str]:
    """`python -m MODULE ARGUMENTS` while the block runs; gives the first line that it prints."""
    program = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            said = process.stdout.readline().strip() if process.stdout else ""
            if not said:
                raise RuntimeError(f"{module} ended before it was ready")
            yield said
            if process.poll() is not None:
                raise RuntimeError(f"{module} ended with code {process.returncode}")
        finally:
            process.kill()
