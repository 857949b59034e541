"""A file that counts what is asked of it."""

from collections.abc import Callable
from pathlib import Path

from alservice.storage.imports.local_raw import LocalRaw
from alservice.storage.imports.raw import RawFile


class AskedBytes:
    """A `RawFile` over another one."""

    def __init__(self, inner: RawFile, *, is_far: bool = False) -> None:
        self._inner = inner
        self.size_bytes, self.version = inner.size_bytes, inner.version
        self.piece_bytes, self.is_far = inner.piece_bytes, is_far
        self.asked = 0

    @classmethod
    def of(cls, path: Path, *, is_far: bool = False) -> "AskedBytes":
        return cls(LocalRaw.open(path.parent, path, str(path)), is_far=is_far)

    def begin(self, start: int, count: int) -> Callable[[], bytes]:
        self.asked += count
        return self._inner.begin(start, count)

    def close(self) -> None:
        self._inner.close()
