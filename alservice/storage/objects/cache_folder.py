"""A folder of files that are elsewhere too, bounded in bytes: what was used least recently goes.

What a process has pinned is never evicted, so it counts until it is given back; where nothing can
be evicted, whoever keeps files mapped for later is asked to let go of them first. Names are never
reused, so what an earlier process has left is used again, once its checksum is verified.
"""

import os
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from alservice.domain.errors import CacheFull
from alservice.storage.durable_folder import make_folder
from alservice.storage.files.names import SUFFIX
from alservice.storage.folder_lock import FolderLock

PART = ".part"


@dataclass(slots=True, eq=False)
class Entry:
    """A file in the cache, or on its way there; `pins` is how many use it."""

    key: str
    size_bytes: int = 0
    pins: int = 1


class CacheFolder:
    """Files below `folder` whose sizes sum to `limit_bytes` at most. One process per folder."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        """Take the folder, with what is whole in it. Raises FolderInUse."""
        self._folder = folder
        self._limit = limit_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, Entry] = OrderedDict()
        self._coming: set[str] = set()
        self._change = threading.Condition()
        self._let_go: list[Callable[[], bool]] = []
        # Maps end in whatever thread drops the last array, even in the midst of our own methods.
        self._given_back: deque[Entry] = deque()
        self._folder_lock = FolderLock(folder)
        self._adopt()

    @property
    def size_bytes(self) -> int:
        """Bytes of all files, those on their way and those that are only mapped still included."""
        with self._change:
            self._collect()
            return self._bytes

    def path(self, key: str) -> Path:
        """Where a file is, or would be."""
        return self._folder / key

    def when_short(self, let_go: Callable[[], bool]) -> None:
        """Call `let_go` where everything is pinned: it drops one thing, or says that it cannot."""
        self._let_go.append(let_go)

    def take(self, key: str, size_bytes: int, fetch: Callable[[Path], None]) -> Entry:
        """Pin a file until `give_back` or `drop`; who asks first fetches it, others wait.

        `fetch` makes a whole file at a path. Raises CacheFull, and what `fetch` raises.
        """
        entry = self._find(key)
        if entry is not None:
            return entry
        try:
            return self._bring(key, size_bytes, fetch)
        finally:
            with self._change:
                self._coming.discard(key)
                self._change.notify_all()

    def give_back(self, entry: Entry) -> None:
        """Unpin. Safe anywhere, in finalizers too; the room is counted with the next call."""
        self._given_back.append(entry)

    def drop(self, entry: Entry) -> None:
        """Unpin a file that is not what it should be, and remove it."""
        with self._change:
            if self._kept.get(entry.key) is entry:
                self._unlink(entry)
        self.give_back(entry)

    def begin(self, key: str) -> Entry:
        """Account for a file that is being written; `grow` before each write to it."""
        make_folder(self.path(key).parent)
        return Entry(key)

    def grow(self, entry: Entry, size_bytes: int) -> None:
        """Make room for so many more bytes. Raises CacheFull."""
        while not self._grown(entry, size_bytes):
            if not any(let_go() for let_go in self._let_go):
                text = (
                    f"the cache {self._folder} ({self._limit} bytes) is full of files in use, and "
                    f"{size_bytes} more are needed: give the server a larger --cache-bytes, or "
                    "retry when less is going on"
                )
                raise CacheFull(text, limit_bytes=self._limit, needed_bytes=size_bytes)

    def settle(self, entry: Entry, written: Path) -> None:
        """Keep a finished file, unpinned. Raises FileNotFoundError if it was removed meanwhile."""
        written.rename(self.path(entry.key))
        with self._change:
            self._kept[entry.key] = entry
        self.give_back(entry)

    def abandon(self, entry: Entry) -> None:
        """Forget a file that will not be finished."""
        self.give_back(entry)

    def remove(self, key: str) -> None:
        """Remove a file; absent is fine. Its bytes count as long as it is mapped."""
        with self._change:
            entry = self._kept.get(key)
            if entry is not None:
                self._unlink(entry)
            self._collect()

    def close(self) -> None:
        """Let another process have the folder. Idempotent."""
        self._folder_lock.release()

    def _adopt(self) -> None:
        files = [path for path in self._folder.rglob("*.*") if path.is_file()]
        for path in sorted(files, key=lambda path: path.stat().st_mtime_ns):
            if path.suffix != SUFFIX:
                path.unlink()  # a process that was killed had not finished it
                continue
            key = path.relative_to(self._folder).as_posix()
            self._kept[key] = Entry(key, path.stat().st_size, pins=0)
            self._bytes += self._kept[key].size_bytes
        self._evict(self._limit)

    def _find(self, key: str) -> Entry | None:
        """The entry, pinned; None if the caller is the one to bring it."""
        with self._change:
            self._change.wait_for(lambda: key not in self._coming)
            entry = self._kept.get(key)
            if entry is None:
                self._coming.add(key)
                return None
            self._collect()
            entry.pins += 1
            self._kept.move_to_end(key)
        with suppress(FileNotFoundError):
            os.utime(self.path(key))  # the order outlives the process
        return entry

    def _bring(self, key: str, size_bytes: int, fetch: Callable[[Path], None]) -> Entry:
        entry, path = self.begin(key), self.path(key)
        part = path.with_suffix(PART)
        try:
            self.grow(entry, size_bytes)
            fetch(part)
            part.rename(path)
        except BaseException:
            part.unlink(missing_ok=True)
            self.abandon(entry)
            raise
        with self._change:
            self._kept[key] = entry
        return entry

    def _grown(self, entry: Entry, size_bytes: int) -> bool:
        with self._change:
            self._collect()
            free = sum(each.size_bytes for each in self._kept.values() if each.pins == 0)
            if self._bytes - free + size_bytes > self._limit:
                return False  # and nothing is evicted in vain
            self._evict(self._limit - size_bytes)
            self._bytes += size_bytes
            entry.size_bytes += size_bytes
            return True

    def _evict(self, limit_bytes: int) -> None:
        for entry in list(self._kept.values()):
            if self._bytes <= limit_bytes:
                return
            if entry.pins == 0:
                self._unlink(entry)

    def _unlink(self, entry: Entry) -> None:
        del self._kept[entry.key]
        self.path(entry.key).unlink(missing_ok=True)
        if entry.pins == 0:
            self._bytes -= entry.size_bytes

    def _collect(self) -> None:
        """Count what was given back."""
        while self._given_back:
            entry = self._given_back.popleft()
            entry.pins -= 1
            if entry.pins == 0 and self._kept.get(entry.key) is not entry:
                self._bytes -= entry.size_bytes
