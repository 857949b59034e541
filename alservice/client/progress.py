"""Progress bars, shown only where a person watches: standard error is a terminal.

rich is imported only then. Bars go to standard error, so that output can be piped.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Report = Callable[[float, str], None]  # how much is done, and a remark


def is_watched(wish: bool | None) -> bool:  # noqa: FBT001
    """What the caller wishes; if nothing, whether standard error is a terminal."""
    return sys.stderr.isatty() if wish is None else wish


@contextmanager
def bar(title: str, total: float, *, shown: bool) -> Iterator[Report]:
    """A bar that the yielded function moves; that does nothing unless `shown`."""
    if not shown:
        yield _ignore
        return
    from rich.console import Console  # noqa: PLC0415 (see above)
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[remark]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=total, remark="")

        def report(done: float, remark: str) -> None:
            progress.update(task, completed=done, remark=remark)

        yield report


def _ignore(done: float, remark: str) -> None:
    """Where nobody watches."""


class Speed:
    """Megabytes per second since it was made."""

    def __init__(self) -> None:
        self._start_s = time.monotonic()
        self._size_bytes = 0

    def add(self, size_bytes: int) -> str:
        """Counts more bytes; answers like `12.3 MB/s`."""
        self._size_bytes += size_bytes
        elapsed_s = max(time.monotonic() - self._start_s, 1e-3)
        return f"{self._size_bytes / elapsed_s / 1e6:.1f} MB/s"
