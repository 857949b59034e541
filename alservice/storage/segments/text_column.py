"""Texts of many rows as one run of UTF-8 bytes: short in memory, and a tensor as it stands."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from alservice import core
from alservice.domain.texts import byte_lengths
from alservice.ports.segments import PackedIds
from alservice.storage.segments.layout import Tensor, tensor


class TextColumn:
    """Texts that arrive block by block; "" where a row has none."""

    def __init__(self) -> None:
        self._pieces: list[NDArray[np.uint8]] = []
        self._lengths: list[NDArray[np.int64]] = []
        self.size_bytes = 0

    def add(self, data: NDArray[np.uint8], lengths: NDArray[np.int64]) -> None:
        """Add a block that `encode` has made."""
        self._pieces.append(data)
        self._lengths.append(lengths)
        self.size_bytes += data.size

    @property
    def data(self) -> NDArray[np.uint8]:
        """All bytes, end to end."""
        return np.concatenate(self._pieces)

    @property
    def offsets(self) -> NDArray[np.int64]:
        """(n + 1,) where each row's text begins, and where the last one ends."""
        return offsets_of(np.concatenate(self._lengths))

    def tensors(self, name: str) -> Iterator[Tensor]:
        """`<name>_offsets` and `<name>_bytes`; nothing where every text is empty."""
        if self.size_bytes:
            yield tensor(f"{name}_offsets", "I64", self.offsets)
            yield Tensor(f"{name}_bytes", "U8", (self.size_bytes,), tuple(self._pieces))


def encode(texts: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """UTF-8 end to end, and the length of each in bytes. Raises UnicodeEncodeError."""
    _, lengths = byte_lengths(texts)
    return np.frombuffer("".join(texts).encode(), np.uint8), lengths


def offsets_of(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n + 1,) from (n,)."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def pack(item_ids: Sequence[str]) -> PackedIds:
    """Ids as the core wants them. Raises UnicodeEncodeError."""
    data, lengths = encode(item_ids)
    offsets = offsets_of(lengths)
    return PackedIds(data, offsets, core.hash_ids(data, offsets))


def decode(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], rows: NDArray[np.int64]
) -> list[str]:
    """The texts of these rows. Raises IndexError."""
    # -1 means "not found" wherever rows come from: it must not wrap round to the last one.
    if rows.size and not 0 <= rows.min() <= rows.max() < len(offsets) - 1:
        raise IndexError(f"rows must lie between 0 and {len(offsets) - 2}")
    view = data.data
    ends = offsets[rows + 1].tolist()
    begins = offsets[rows].tolist()
    return [str(view[begin:end], "utf-8") for begin, end in zip(begins, ends, strict=True)]
