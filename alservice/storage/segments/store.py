"""One file per segment, mapped once and shared by all threads."""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alservice.domain.item import ItemBlock
from alservice.domain.project import DType
from alservice.domain.segment import Segment
from alservice.ports.segments import PackedIds, Sealed
from alservice.storage.files import Files, LocalFiles
from alservice.storage.segments import text_column, writer
from alservice.storage.segments.reader import Reader
from alservice.storage.segments.reader_cache import ReaderCache
from alservice.storage.segments.verified import read_bytes, read_file

MAX_MAPPED = 512  # a map may hold a file descriptor, and 1024 is a usual limit
MAX_INLINE_BYTES = 64 << 20


class FileSegmentStore:
    """A SegmentStore on files, wherever these are.

    At most `max_mapped` files and `max_inline_bytes` of inline segments stay open for the next
    call.
    """

    def __init__(
        self,
        files: Files,
        max_mapped: int = MAX_MAPPED,
        max_inline_bytes: int = MAX_INLINE_BYTES,
    ) -> None:
        self._place = files
        self._files = ReaderCache(max_mapped)
        self._inline = ReaderCache(max_inline_bytes)
        files.when_short(self._files.drop_oldest)

    def writer(self, segment_id: str, dimension: int, dtype: DType) -> writer.FileWriter:
        """Begin a file. Raises DiskFull, ObjectStoreUnavailable, CacheFull."""
        return writer.FileWriter(segment_id, self._place.create(segment_id), dimension, dtype)

    def encode(
        self,
        blocks: Sequence[tuple[ItemBlock, NDArray[np.int64]]],
        dimension: int,
        dtype: DType,
    ) -> tuple[bytes, Sealed]:
        """The bytes of a file, in memory. Raises ValueError where there are no items."""
        return writer.encode(blocks, dimension, dtype)

    def open(self, segment: Segment, inline: bytes | None = None) -> Reader:
        """A reader, shared between threads.

        Raises SegmentCorrupt, what `Files.open` raises where it cannot be had now; ValueError
        where an inline segment is neither open nor given.
        """
        name = segment.segment_id
        if not segment.inline:
            return self._files.get_or_make(name, 1, lambda: read_file(self._place, segment))
        if inline is not None:
            size = len(inline)
            return self._inline.get_or_make(name, size, lambda: read_bytes(inline, segment))
        reader = self._inline.get(name)
        if reader is None:
            raise ValueError(f"the bytes of inline segment {name} are needed")
        return reader

    def opened(self, segment_id: str) -> Reader | None:
        """The reader that `open` would answer with at once; None where it would have to read."""
        return self._files.get(segment_id) or self._inline.get(segment_id)

    def keep_only(self, known: Collection[str]) -> None:
        """Let go of readers of other segments."""
        self._files.keep_only(known)
        self._inline.keep_only(known)

    def remove(self, segment_id: str) -> None:
        """Remove the file, finished or not; absent is fine. Open readers go on working."""
        self._files.drop(segment_id)
        self._inline.drop(segment_id)
        self._place.remove(segment_id)

    def stray(self, known: Sequence[str]) -> Sequence[str]:
        """Ids of files, finished or not, that are not among `known`; sorted."""
        return self._place.stray(known)

    def pack(self, item_ids: Sequence[str]) -> PackedIds:
        """Ids in packed form. Raises UnicodeEncodeError."""
        return text_column.pack(item_ids)


class LocalSegmentStore(FileSegmentStore):
    """A SegmentStore in `folder`, which is made if it is not there."""

    def __init__(
        self,
        folder: Path,
        max_mapped: int = MAX_MAPPED,
        max_inline_bytes: int = MAX_INLINE_BYTES,
    ) -> None:
        super().__init__(LocalFiles(folder), max_mapped, max_inline_bytes)
        self._folder = folder
