"""One table of items, written in each format that can be imported, in each place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import obstore
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import feather, parquet
from safetensors.numpy import save_file

from alservice.domain.source import SourceColumns
from alservice.ports.sources import ItemSource
from alservice.storage.imports import ImportRoots
from alservice.storage.objects import Bucket
from tests.s3.places import fresh_bucket
from tests.s3.server import S3Server

Columns = Mapping[str, NDArray[Any]]
Write = Callable[[Path, Columns], None]


def table(count: int, dimension: int = 5, dtype: str = "f4") -> dict[str, NDArray[Any]]:
    """Vectors, ids and classes, as whole numbers: what every format can hold."""
    rng = np.random.default_rng(count)
    return {
        "X": rng.normal(size=(count, dimension)).astype(dtype),
        "ids": np.arange(count, dtype=np.int64)[::-1] + 1_000,
        "y": np.arange(count, dtype=np.int64) % 3,
        "cost": rng.uniform(1, 2, size=count).astype(np.float32),
    }


def _npz(path: Path, columns: Columns) -> None:
    np.savez(path, allow_pickle=False, **columns)


def _packed(path: Path, columns: Columns) -> None:
    np.savez_compressed(path, allow_pickle=False, **columns)


def _safetensors(path: Path, columns: Columns) -> None:
    save_file({name: np.ascontiguousarray(column) for name, column in columns.items()}, path)


def arrow_table(columns: Columns, *, fixed: bool = True) -> Any:
    """The same as an Arrow table."""
    return pa.table({name: _arrow(column, fixed=fixed) for name, column in columns.items()})


def _arrow(column: NDArray[Any], *, fixed: bool) -> Any:
    if column.ndim == 1:
        return pa.array(column)
    if fixed:
        return pa.FixedSizeListArray.from_arrays(pa.array(column.ravel()), column.shape[1])
    return pa.array(list(column))


def _parquet(path: Path, columns: Columns) -> None:
    parquet.write_table(arrow_table(columns, fixed=False), path, row_group_size=700)


def _arrow_file(path: Path, columns: Columns) -> None:
    feather.write_feather(arrow_table(columns), path, compression="uncompressed", chunksize=900)


def _feather(path: Path, columns: Columns) -> None:
    feather.write_feather(arrow_table(columns), path, compression="zstd", chunksize=900)


# Name, ending, writer. A .npy has no room for anything but vectors.
FORMATS: Final[Mapping[str, tuple[str, Write]]] = {
    "npz": (".npz", _npz),
    "compressed": (".npz", _packed),
    "safetensors": (".safetensors", _safetensors),
    "parquet": (".parquet", _parquet),
    "arrow": (".arrow", _arrow_file),
    "feather": (".feather", _feather),
}


class Inbox(Protocol):
    """A place that is imported from."""

    @property
    def roots(self) -> ImportRoots:
        """What reads it."""

    def put(self, name: str, data: bytes) -> str:
        """Lay a file down; its address."""


@dataclass(frozen=True)
class LocalInbox:
    """A folder."""

    folder: Path
    roots: ImportRoots

    def put(self, name: str, data: bytes) -> str:
        (self.folder / name).write_bytes(data)
        return str(self.folder / name)


@dataclass(frozen=True)
class S3Inbox:
    """A prefix of the bucket."""

    bucket: Bucket
    roots: ImportRoots

    def put(self, name: str, data: bytes) -> str:
        obstore.put(self.bucket._store, f"below/{name}", data)
        return f"{self.bucket.address}/below/{name}"


def local_inbox(folder: Path) -> LocalInbox:
    return LocalInbox(folder, ImportRoots.of([str(folder)]))


def s3_inbox(s3: S3Server) -> S3Inbox:
    bucket = fresh_bucket(s3)
    return S3Inbox(bucket, ImportRoots(buckets={bucket.address: bucket}))


def opened(inbox: Inbox, uri: str, **columns: Any) -> ItemSource:
    return inbox.roots.open(uri, SourceColumns(**columns))


def written(name: str, columns: Columns, scratch: Path) -> tuple[str, bytes]:
    """The ending of a format, and a file of it."""
    ending, write = FORMATS[name]
    path = scratch / f"scratch-{name}{ending}"
    write(path, columns)
    return ending, path.read_bytes()
