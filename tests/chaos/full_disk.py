"""A disk of a server's own (Linux, as root) that can be filled and emptied."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

SIZE_MIB: Final = 64
PIECE: Final = b"\0" * (1 << 16)
COMMAND_S: Final = 20


@dataclass(frozen=True)
class Disk:
    """It is mounted at `folder`."""

    folder: Path

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"

    def fill(self) -> None:
        """Until nothing more can be written."""
        with suppress(OSError), self._ballast.open("wb", 0) as file:
            while file.write(PIECE):
                pass
        assert os.statvfs(self.folder).f_bavail == 0

    def empty(self) -> None:
        """As before."""
        self._ballast.unlink()


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """One that exists for a while. The test is skipped where it cannot be made."""
    if os.geteuid() != 0:
        pytest.skip("a disk of its own needs root")
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", str(folder)]
    made = subprocess.run(
        ["mount", *options], capture_output=True, text=True, timeout=COMMAND_S, check=False
    )
    if made.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {made.stderr.strip()}")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], timeout=COMMAND_S, check=True)
