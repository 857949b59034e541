"""Writing a segment: vectors pass straight through, everything else waits for the end."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from alservice import core
from alservice.domain.errors import Conflict
from alservice.domain.item import ItemBlock
from alservice.domain.project import DType
from alservice.ports.segments import Sealed
from alservice.storage.files import Draft
from alservice.storage.segments.checksum import combine
from alservice.storage.segments.columns import Columns, check
from alservice.storage.segments.layout import (
    HEADER_SIZE,
    KIND_OF,
    VERSION,
    Tensor,
    aligned,
    as_bytes,
    header,
)


class Sink(Protocol):
    """Where the bytes of a segment go."""

    def write(self, data: NDArray[np.uint8]) -> None:
        """Append bytes. The caller may use its buffer again afterwards."""


class Assembly:
    """The format, whatever it is written to: `append` blocks, then `finish`.

    The caller writes the header over the HEADER_SIZE bytes with which the sink begins.
    """

    def __init__(self, sink: Sink, dimension: int, dtype: DType) -> None:
        self._sink, self._dimension, self._dtype = sink, dimension, dtype
        self._columns = Columns()
        self._crc32c = self._written = 0
        sink.write(np.zeros(HEADER_SIZE, np.uint8))

    @property
    def rows(self) -> int:
        """Items so far."""
        return self._columns.rows

    @property
    def size_bytes(self) -> int:
        """Bytes of vectors and of texts so far."""
        return self._written + self._columns.size_bytes

    def append(self, block: ItemBlock, incarnations: NDArray[np.int64]) -> None:
        """Add items. Raises ValueError before anything is written."""
        check(block, incarnations, self._dimension, self._dtype)
        self._columns.add(block, incarnations)
        self._write(as_bytes(np.ascontiguousarray(block.vectors)))

    def finish(self) -> tuple[bytes, Sealed]:
        """Write all columns; the header, and what the catalog must know of the whole file."""
        if not self.rows:
            raise ValueError("a segment must have at least one item")
        vectors = Tensor("vectors", KIND_OF[self._dtype], (self.rows, self._dimension))
        tensors = aligned([vectors, *self._columns.tensors()])
        for each in tensors:
            for piece in each.pieces:
                self._write(piece)
        metadata = {"version": VERSION, "rows": self.rows, "dimension": self._dimension}
        head = header(tensors, metadata)
        crc = combine(core.crc32c(head), self._crc32c, self._written)
        return head, Sealed(rows=self.rows, size_bytes=HEADER_SIZE + self._written, crc32c=crc)

    def _write(self, data: NDArray[np.uint8]) -> None:
        self._crc32c = core.crc32c(data, self._crc32c)
        self._sink.write(data)
        self._written += data.size


class FileWriter:
    """A SegmentWriter whose file has its final name only once it is whole."""

    def __init__(self, name: str, file: Draft, dimension: int, dtype: DType) -> None:
        self._name = name
        self._file = file
        self._open = True
        try:
            self._assembly = Assembly(self._file, dimension, dtype)
        except BaseException:
            self.abort()
            raise

    @property
    def rows(self) -> int:
        """Items so far."""
        return self._assembly.rows

    @property
    def size_bytes(self) -> int:
        """Bytes of vectors and of texts so far."""
        return self._assembly.size_bytes

    def append(self, block: ItemBlock, incarnations: NDArray[np.int64]) -> None:
        """Add items. Raises DiskFull, after which the file is gone; ValueError, and it goes on."""
        self._check_open()
        try:
            self._assembly.append(block, incarnations)
        except ValueError:
            raise
        except BaseException:
            self.abort()
            raise

    def seal(self) -> Sealed:
        """Finish the file.

        Raises DiskFull, ObjectStoreUnavailable; ValueError if it is empty, sealed, aborted or has
        failed before; Conflict if it was swept meanwhile.
        """
        self._check_open()
        try:
            head, sealed = self._assembly.finish()
            self._file.overwrite(head)
            self._file.publish(sealed.crc32c)
        except FileNotFoundError as error:
            self.abort()
            text = f"segment {self._name} took so long that it was swept: upload its items again"
            raise Conflict(text, segment=self._name) from error
        except BaseException:
            self.abort()
            raise
        self._open = False
        return sealed

    def abort(self) -> None:
        """Remove what was written; nothing after seal. Idempotent."""
        if self._open:
            self._open = False
            self._file.discard()

    def _check_open(self) -> None:
        if not self._open:
            raise ValueError(f"segment {self._name} is sealed, or was given up")


class _Memory:
    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: NDArray[np.uint8]) -> None:
        self.data += data.data


def encode(
    blocks: Sequence[tuple[ItemBlock, NDArray[np.int64]]], dimension: int, dtype: DType
) -> tuple[bytes, Sealed]:
    """The bytes that a FileWriter would have written. Raises ValueError."""
    memory = _Memory()
    assembly = Assembly(memory, dimension, dtype)
    for block, incarnations in blocks:
        assembly.append(block, incarnations)
    head, sealed = assembly.finish()
    memory.data[:HEADER_SIZE] = head
    return bytes(memory.data), sealed
