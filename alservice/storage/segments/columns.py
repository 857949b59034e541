"""All that a segment knows about its items beside their vectors, gathered block by block."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from alservice import core
from alservice.domain.item import ItemBlock
from alservice.domain.project import DType
from alservice.storage.segments.attributes_json import to_json
from alservice.storage.segments.layout import KIND_OF, NUMPY_OF, Tensor, tensor
from alservice.storage.segments.text_column import TextColumn, encode


def check(block: ItemBlock, incarnations: NDArray[np.int64], dimension: int, dtype: DType) -> None:
    """Raise ValueError unless every column has a value per item, in the segment's form."""
    rows = len(block)
    stored = NUMPY_OF[KIND_OF[dtype]]
    if block.dtype is not dtype or block.vectors.dtype != stored:
        found = f"{block.dtype} in {block.vectors.dtype}"
        raise ValueError(f"vectors must be {dtype} in {stored}, not {found}")
    if block.vectors.shape != (rows, dimension):
        raise ValueError(f"vectors must be {(rows, dimension)}, not {block.vectors.shape}")
    columns = (incarnations, block.roles, block.costs, block.attributes, block.class_ids)
    if any(column is not None and len(column) != rows for column in columns):
        raise ValueError(f"every column must have {rows} values")


class Columns:
    """The columns of a segment that is being written."""

    def __init__(self) -> None:
        self.rows = 0
        self._ids, self._attributes, self._classes = TextColumn(), TextColumn(), TextColumn()
        self._incarnations: list[NDArray[np.int64]] = []
        self._roles: list[NDArray[np.uint8]] = []
        self._costs: list[NDArray[np.float32]] = []

    @property
    def size_bytes(self) -> int:
        """Bytes of ids, attributes and classes."""
        texts = (self._ids, self._attributes, self._classes)
        return sum(column.size_bytes for column in texts)

    def add(self, block: ItemBlock, incarnations: NDArray[np.int64]) -> None:
        """Add a block that passed `check`: all of it or, on UnicodeEncodeError, nothing."""
        rows = len(block)
        ids = encode(block.item_ids)
        attributes = encode([to_json(each) for each in block.attributes or ()])
        classes = encode(block.class_ids or ())
        self._ids.add(*ids)
        self._attributes.add(*_or_empty(attributes, rows))
        self._classes.add(*_or_empty(classes, rows))
        # Copies: the caller may use its buffers again.
        self._incarnations.append(np.array(incarnations, np.int64))
        self._roles.append(np.zeros(rows, np.uint8) if block.roles is None else block.roles.copy())
        unknown = np.full(rows, np.nan, np.float32)
        self._costs.append(unknown if block.costs is None else block.costs.copy())
        self.rows += rows

    def tensors(self) -> Iterator[Tensor]:
        """The columns, with the hash index of the ids; what holds nothing is left out."""
        offsets = self._ids.offsets
        hashes = core.hash_ids(self._ids.data, offsets)
        yield tensor("id_hash", "U64", hashes)
        yield tensor("hash_order", "U32", core.sort_hashes(hashes))
        yield tensor("id_offsets", "I64", offsets)
        yield tensor("id_bytes", "U8", self._ids.data)
        yield tensor("incarnation", "I64", np.concatenate(self._incarnations))
        yield tensor("role", "U8", np.concatenate(self._roles))
        costs = np.concatenate(self._costs)
        if not np.isnan(costs).all():
            yield tensor("cost", "F32", costs)
        yield from self._attributes.tensors("attr")
        yield from self._classes.tensors("class")


def _or_empty(
    column: tuple[NDArray[np.uint8], NDArray[np.int64]], rows: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    data, lengths = column
    return (data, lengths) if len(lengths) else (data, np.zeros(rows, np.int64))
