"""How much memory of its own a process has: mapped files are the page cache's, not its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEBIBYTE = 2**20


def own_bytes(pid: int) -> int:
    """Resident anonymous memory, as Linux counts it."""
    return rss(pid, "RssAnon")


def rss(pid: int, kind: str) -> int:
    """Bytes of resident memory: RssAnon, RssFile or RssShmem."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{kind}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"this kernel does not tell {kind}")


class Peak:
    """The most that was seen, in bytes."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.bytes = own_bytes(pid)

    def look(self) -> None:
        """Take one sample."""
        self.bytes = max(self.bytes, own_bytes(self._pid))


@contextmanager
def watched(pid: int, interval_s: float = 0.02) -> Iterator[Peak]:
    """Sample a process until the block ends."""
    peak, over = Peak(pid), threading.Event()

    def watch() -> None:
        while not over.wait(interval_s):
            peak.look()

    thread = threading.Thread(target=watch, name="memory", daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()
        peak.look()
