"""`LocalSegmentStore`: one folder, one file per segment, mapped once and shared by all threads."""

import re
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alservice.domain.item import ItemBlock
from alservice.domain.project import DType
from alservice.domain.segment import Segment
from alservice.ports.segments import PackedIds, Sealed
from alservice.storage.durable_folder import make_folder
from alservice.storage.segments import text_column, writer
from alservice.storage.segments.reader import Reader
from alservice.storage.segments.reader_cache import ReaderCache
from alservice.storage.segments.verified import read_bytes, read_file

SEGMENT_ID = re.compile(r"[A-Za-z0-9_-]+")  # a name of a file in any folder
SUFFIX, TEMPORARY = ".safetensors", ".tmp"
MAX_MAPPED = 512  # a map may hold a file descriptor, and 1024 is a usual limit
MAX_INLINE_BYTES = 64 << 20


class LocalSegmentStore:
    """A SegmentStore in `folder`, which is made if it is not there.

    Files are `<segment_id>.safetensors`, and `<segment_id>.tmp` until they are sealed. At most
    `max_mapped` files and `max_inline_bytes` of inline segments stay open for the next call.
    """

    def __init__(
        self,
        folder: Path,
        max_mapped: int = MAX_MAPPED,
        max_inline_bytes: int = MAX_INLINE_BYTES,
    ) -> None:
        make_folder(folder)
        self._folder = folder
        self._lock = threading.Lock()
        self._files = ReaderCache(max_mapped)
        self._inline = ReaderCache(max_inline_bytes)
        self._checked: dict[str, int] = {}  # the CRC32C that a file is known to have

    def writer(self, segment_id: str, dimension: int, dtype: DType) -> writer.FileWriter:
        """Begin a file. Raises DiskFull."""
        final, temporary = self._path(segment_id, SUFFIX), self._path(segment_id, TEMPORARY)
        trust = partial(self._trust, segment_id)
        return writer.FileWriter(temporary, final, dimension, dtype, trust)

    def _trust(self, segment_id: str, sealed: Sealed) -> None:
        """Its checksum was taken as the bytes were written: no need to read them all at once."""
        with self._lock:
            self._checked[segment_id] = sealed.crc32c

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

        Raises SegmentCorrupt, Overloaded where files are too many; ValueError where an inline
        segment is neither open nor given.
        """
        name = segment.segment_id
        if not segment.inline:
            return self._files.get_or_make(name, 1, lambda: self._read_file(segment))
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

    def remove(self, segment_id: str) -> None:
        """Remove the file, finished or not; absent is fine. Open readers go on working."""
        self._files.drop(segment_id)
        self._inline.drop(segment_id)
        with self._lock:
            self._checked.pop(segment_id, None)
        for suffix in (SUFFIX, TEMPORARY):
            self._path(segment_id, suffix).unlink(missing_ok=True)

    def stray(self, known: Sequence[str]) -> Sequence[str]:
        """Ids of files, finished or not, that are not among `known`; sorted."""
        ours = {p.stem for p in self._folder.iterdir() if p.suffix in {SUFFIX, TEMPORARY}}
        return sorted(ours.difference(known))

    def pack(self, item_ids: Sequence[str]) -> PackedIds:
        """Ids in packed form. Raises UnicodeEncodeError."""
        return text_column.pack(item_ids)

    def _path(self, segment_id: str, suffix: str) -> Path:
        if not SEGMENT_ID.fullmatch(segment_id):
            raise ValueError(f"segment id {segment_id!r} is not the name of a file")
        return self._folder / f"{segment_id}{suffix}"

    def _read_file(self, segment: Segment) -> Reader:
        name = segment.segment_id
        with self._lock:
            check = self._checked.get(name) != segment.crc32c
        reader = read_file(self._path(name, SUFFIX), segment, check=check)
        with self._lock:
            self._checked[name] = segment.crc32c
        return reader
