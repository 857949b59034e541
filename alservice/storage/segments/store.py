"""`LocalSegmentStore`: one folder, one file per segment, mapped once and shared by all threads."""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alservice.domain.item import ItemBlock
from alservice.domain.project import DType
from alservice.domain.segment import Segment
from alservice.ports.segments import PackedIds, Sealed
from alservice.storage.segments import text_column, writer
from alservice.storage.segments.reader import Reader
from alservice.storage.segments.verified import read_bytes, read_file

SEGMENT_ID = re.compile(r"[A-Za-z0-9_-]+")  # a name of a file in any folder
SUFFIX, TEMPORARY = ".safetensors", ".tmp"
MAX_MAPPED = 512  # a map may hold a file descriptor, and 1024 is a usual limit


class LocalSegmentStore:
    """A SegmentStore in `folder`, which is made if it is not there.

    Files are `<segment_id>.safetensors`, and `<segment_id>.tmp` until they are sealed. At most
    `max_mapped` files stay mapped for the next call; inline segments stay until removed.
    """

    def __init__(self, folder: Path, max_mapped: int = MAX_MAPPED) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._max_mapped = max_mapped
        self._lock = threading.Lock()
        self._files: OrderedDict[str, Future[Reader]] = OrderedDict()
        self._inline: OrderedDict[str, Future[Reader]] = OrderedDict()
        self._checked: set[str] = set()

    def writer(self, segment_id: str, dimension: int, dtype: DType) -> writer.FileWriter:
        """Begin a file. Raises DiskFull."""
        final = self._path(segment_id, SUFFIX)
        return writer.FileWriter(self._path(segment_id, TEMPORARY), final, dimension, dtype)

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

        Raises SegmentCorrupt; ValueError where an inline segment is neither open nor given.
        """
        if not segment.inline:
            return self._once(self._files, segment, lambda: self._read_file(segment))
        if inline is None and not self.is_open(segment.segment_id):
            raise ValueError(f"the bytes of inline segment {segment.segment_id} are needed")
        return self._once(self._inline, segment, lambda: read_bytes(inline or b"", segment))

    def is_open(self, segment_id: str) -> bool:
        """Whether `open` would answer from what is mapped already."""
        with self._lock:
            ready = self._files.get(segment_id) or self._inline.get(segment_id)
        return ready is not None and ready.done()

    def remove(self, segment_id: str) -> None:
        """Remove the file, finished or not; absent is fine. Open readers go on working."""
        with self._lock:
            self._files.pop(segment_id, None)
            self._inline.pop(segment_id, None)
            self._checked.discard(segment_id)
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
            check = name not in self._checked
        reader = read_file(self._path(name, SUFFIX), segment, check=check)
        with self._lock:
            self._checked.add(name)
        return reader

    def _once(
        self,
        cache: OrderedDict[str, Future[Reader]],
        segment: Segment,
        read: Callable[[], Reader],
    ) -> Reader:
        """The cached reader; the first thread to ask makes it while the others wait for it."""
        name, mine = segment.segment_id, Future[Reader]()
        with self._lock:
            shared = cache.setdefault(name, mine)
            cache.move_to_end(name)
            while cache is self._files and len(cache) > self._max_mapped:
                cache.popitem(last=False)
        if shared is mine:
            self._fill(cache, name, mine, read)
        return shared.result()

    def _fill(
        self,
        cache: OrderedDict[str, Future[Reader]],
        name: str,
        mine: Future[Reader],
        read: Callable[[], Reader],
    ) -> None:
        try:
            mine.set_result(read())
        except BaseException as error:  # whatever it is, the others must not wait for ever
            with self._lock:
                if cache.get(name) is mine:  # the next call tries again
                    del cache[name]
            mine.set_exception(error)
            raise
