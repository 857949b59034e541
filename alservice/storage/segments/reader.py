"""Reading a segment: views of its bytes, mapped or in memory."""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from alservice import core
from alservice.domain.item import EMPTY_ATTRIBUTES, Attributes
from alservice.domain.project import DType
from alservice.ports.segments import PackedIds
from alservice.storage.segments.attributes_json import from_json
from alservice.storage.segments.layout import parse
from alservice.storage.segments.text_column import decode


class Reader:
    """A SegmentReader over a buffer, which lives as long as any array of it does.

    Where no item has a cost, `costs` repeats one NaN with stride 0.
    """

    def __init__(self, buffer: memoryview) -> None:
        """Raises ValueError or KeyError where the buffer holds no segment."""
        contents = parse(buffer)
        self._arrays = contents.arrays
        self._rows, self._dtype = contents.rows, contents.dtype
        self._ids = PackedIds(
            data=cast("NDArray[np.uint8]", self._arrays["id_bytes"]),
            offsets=cast("NDArray[np.int64]", self._arrays["id_offsets"]),
            hashes=cast("NDArray[np.uint64]", self._arrays["id_hash"]),
        )

    @property
    def rows(self) -> int:
        """How many items."""
        return self._rows

    @property
    def dtype(self) -> DType:
        """How the vectors are stored."""
        return self._dtype

    @property
    def vectors(self) -> NDArray[np.generic]:
        """(n, d) float32, float16, or uint16 holding bfloat16 bits."""
        return self._arrays["vectors"]

    @property
    def ids(self) -> PackedIds:
        """The ids, in row order."""
        return self._ids

    @property
    def order(self) -> NDArray[np.uint32]:
        """(n,) the permutation that sorts the rows by (hash, row)."""
        return cast("NDArray[np.uint32]", self._arrays["hash_order"])

    @property
    def incarnations(self) -> NDArray[np.int64]:
        """(n,)."""
        return cast("NDArray[np.int64]", self._arrays["incarnation"])

    @property
    def roles(self) -> NDArray[np.uint8]:
        """(n,) values of Role."""
        return cast("NDArray[np.uint8]", self._arrays["role"])

    @property
    def costs(self) -> NDArray[np.float32]:
        """(n,) NaN where unknown."""
        stored = self._arrays.get("cost", np.broadcast_to(np.float32(np.nan), self._rows))
        return cast("NDArray[np.float32]", stored)

    def item_ids(self, rows: NDArray[np.int64]) -> list[str]:
        """The ids of these rows. Raises IndexError."""
        return decode(self._ids.data, self._ids.offsets, rows)

    def attributes(self, rows: NDArray[np.int64]) -> list[Attributes]:
        """The attributes of these rows. Raises IndexError."""
        texts = self._texts("attr")
        if texts is None:
            return [EMPTY_ATTRIBUTES] * len(rows)
        return [from_json(text) for text in decode(*texts, rows)]

    def class_ids(self) -> tuple[NDArray[np.int64], list[str]]:
        """The rows that were uploaded with a label, and its class."""
        texts = self._texts("class")
        if texts is None:
            return np.zeros(0, np.int64), []
        rows = np.flatnonzero(np.diff(texts[1])).astype(np.int64)
        return rows, decode(*texts, rows)

    def find(self, ids: PackedIds) -> NDArray[np.int64]:
        """(m,) the row of each id, -1 where it is not here."""
        mine = self._ids
        return core.find_ids(
            mine.hashes, self.order, mine.data, mine.offsets, ids.hashes, ids.data, ids.offsets
        )

    def _texts(self, name: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]] | None:
        if f"{name}_bytes" not in self._arrays:
            return None
        data, offsets = self._arrays[f"{name}_bytes"], self._arrays[f"{name}_offsets"]
        return cast("NDArray[np.uint8]", data), cast("NDArray[np.int64]", offsets)
