"""The bytes of a file to import, wherever it lies, and a window that moves over them."""

import io
from collections.abc import Callable
from typing import Final, Protocol

from alservice.domain.errors import SourceInvalid

# No part of a file is read at once that is larger than this, whatever the file says about itself.
MOST_AT_ONCE: Final = 64 << 20


class RawFile(Protocol):
    """A file that is open for reading at any place; safe for threads."""

    @property
    def size_bytes(self) -> int:
        """Its size when it was opened."""

    @property
    def version(self) -> str:
        """Differs once it has been written again."""

    @property
    def piece_bytes(self) -> int:
        """How much is best asked for at once."""

    @property
    def is_far(self) -> bool:
        """Whether an answer takes long, so that the next should be asked for meanwhile."""

    def begin(self, start: int, count: int) -> Callable[[], bytes]:
        """Ask for these bytes; the result waits for them.

        It raises SourceInvalid if the file ends before, ObjectStoreUnavailable.
        """

    def close(self) -> None:
        """Let go of it. Idempotent."""


class Window(io.RawIOBase):
    """A file object over a RawFile, with a place of its own and a bounded buffer.

    Reading on and on asks for the next piece of a file that is far away in advance.
    """

    def __init__(self, raw: RawFile, at: int = 0) -> None:
        super().__init__()
        self._raw = raw
        self._at = at
        self._start, self._piece = -1, b""
        self._ahead: tuple[int, Callable[[], bytes]] | None = None

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """The place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place. Raises ValueError for one before the beginning."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._raw.size_bytes}[whence]
        if base + offset < 0:
            raise ValueError("it names a place before its own beginning")
        self._at = base + offset
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        """Up to `size` bytes; fewer only at the end of the file. Raises SourceInvalid."""
        left = max(self._raw.size_bytes - self._at, 0)
        wanted = left if size is None or size < 0 else min(size, left)
        if wanted > MOST_AT_ONCE:
            text = (
                f"a part of it has {wanted} bytes, and at most {MOST_AT_ONCE} are read at once: "
                "write it with smaller record batches, row groups or pages"
            )
            raise SourceInvalid(text, limit=MOST_AT_ONCE, got=wanted)
        parts = []
        while wanted:
            part = self._some(wanted)
            self._at += len(part)
            wanted -= len(part)
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _some(self, wanted: int) -> bytes:
        """At least one byte from here on, and at most `wanted`."""
        size = self._raw.piece_bytes
        start = self._at - self._at % size
        if start != self._start and wanted >= size and not self._raw.is_far:
            return self._raw.begin(self._at, wanted)()
        if start != self._start:
            self._load(start, size)
        offset = self._at - start
        return self._piece[offset : offset + wanted]

    def _load(self, start: int, size: int) -> None:
        ahead, self._ahead = self._ahead, None
        follows = start == self._start + size or start == 0
        self._start = -1  # what is half loaded is not there
        asked = ahead is not None and ahead[0] == start
        self._piece = (ahead[1] if ahead and asked else self._ask(start, size))()
        self._start = start
        after = start + size
        if self._raw.is_far and follows and after < self._raw.size_bytes:
            self._ahead = (after, self._ask(after, size))

    def _ask(self, start: int, size: int) -> Callable[[], bytes]:
        return self._raw.begin(start, min(size, self._raw.size_bytes - start))
