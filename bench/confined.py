"""A control group with a limit of memory, page cache included, to show what does not fit."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# Where each version of control groups is mounted, and the name of its limit; the first that is.
VERSIONS = (
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
    (Path("/sys/fs/cgroup"), "memory.max"),
)
DROP = Path("/proc/sys/vm/drop_caches")


@dataclass(frozen=True, slots=True)
class Group:
    """A control group of its own."""

    folder: Path

    def admit(self, pid: int) -> None:
        """From now on the process's new pages count here."""
        (self.folder / "cgroup.procs").write_text(str(pid))

    @property
    def prefix(self) -> tuple[str, ...]:
        """What begins the command line of a program that is to run here from its first page."""
        return ("sh", "-c", f'echo $$ > {self.folder}/cgroup.procs && exec "$@"', "sh")


def why_not() -> str:
    """Why there can be no group here; empty if there can."""
    if not os.access(DROP, os.W_OK):
        return "only root may empty the page cache"
    for parent, _ in VERSIONS:
        if (parent / "cgroup.procs").exists():
            writable = os.access(parent / "cgroup.procs", os.W_OK)
            return "" if writable else "control groups cannot be made here"
    return "there are no control groups here"


@contextmanager
def confined(limit_bytes: int) -> Iterator[Group]:
    """A group of `limit_bytes`; the page cache is emptied, for pages count where they are read.

    What somebody else has mapped stays in memory, though, and whoever was admitted has to be gone
    when the block ends.
    """
    parent, limit = next(v for v in VERSIONS if (v[0] / "cgroup.procs").exists())
    folder = Path(tempfile.mkdtemp(prefix="alservice-bench-", dir=parent))
    try:
        (folder / limit).write_text(str(limit_bytes))
        os.sync()
        DROP.write_text("1")
        yield Group(folder)
    finally:
        _remove(folder)


def read_from_disk(pid: int) -> int:
    """Bytes that a process has had the disk read for it so far."""
    fields = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(fields["read_bytes"])


def _remove(folder: Path) -> None:
    """Dead processes leave a group a moment after they were waited for."""
    while True:
        try:
            folder.rmdir()
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
        else:
            return
