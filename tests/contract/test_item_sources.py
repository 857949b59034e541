"""Every format in every place gives the same items, from any row on, in bounded memory."""

import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from alservice.domain import errors
from alservice.domain.item import ItemBlock
from alservice.domain.project import DType
from alservice.ports.sources import ItemSource
from tests.contract.source_files import (
    FORMATS,
    Inbox,
    S3Inbox,
    arrow_table,
    local_inbox,
    opened,
    s3_inbox,
    table,
    written,
)

ROWS = 2_000
COLUMNS = table(ROWS)
EVERYWHERE = pytest.mark.parametrize("inbox", ["local", "s3"], indirect=True)
EVERY_FORMAT = pytest.mark.parametrize("name", FORMATS)


@pytest.fixture
def inbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Inbox]:
    if request.param == "local":
        yield local_inbox(tmp_path)
        return
    made: S3Inbox = s3_inbox(request.getfixturevalue("s3"))
    yield made
    made.bucket.close()


def rows_of(blocks: list[ItemBlock]) -> list[tuple[Any, ...]]:
    """Everything about each item."""
    return [
        (item_id, vector.tolist(), class_id, cost)
        for block in blocks
        for item_id, vector, class_id, cost in zip(
            block.item_ids,
            block.vectors,
            block.class_ids or (),
            (block.costs if block.costs is not None else np.zeros(0)).tolist(),
            strict=True,
        )
    ]


def put(inbox: Inbox, name: str, scratch: Path, columns: dict[str, Any] = COLUMNS) -> str:
    ending, data = written(name, columns, scratch)
    return inbox.put(f"pool{ending}", data)


@EVERYWHERE
@EVERY_FORMAT
def test_the_same_data_is_the_same_items(inbox: Inbox, name: str, tmp_path: Path) -> None:
    source = opened(inbox, put(inbox, name, tmp_path))
    assert (source.count, source.dimension, set(source.names)) == (ROWS, 5, set(COLUMNS))
    whole = rows_of(list(source.blocks()))
    vectors, ids, classes, costs = (COLUMNS[key].tolist() for key in ("X", "ids", "y", "cost"))
    assert whole == [
        (str(ids[row]), vectors[row], str(classes[row]), costs[row]) for row in range(ROWS)
    ]
    for start in (1, 699, 700, 1234, ROWS - 1, ROWS):
        assert rows_of(list(source.blocks(start))) == whole[start:]
    source.close()
    source.close()


@EVERYWHERE
def test_an_npy_is_vectors_whose_ids_are_row_numbers(inbox: Inbox, tmp_path: Path) -> None:
    np.save(tmp_path / "scratch.npy", COLUMNS["X"].astype(np.float64))
    uri = inbox.put("pool.npy", (tmp_path / "scratch.npy").read_bytes())
    source = opened(inbox, uri, id_prefix="p-")
    blocks = list(source.blocks(3))
    assert [i for block in blocks for i in block.item_ids] == [f"p-{n}" for n in range(3, ROWS)]
    np.testing.assert_array_equal(np.concatenate([b.vectors for b in blocks]), COLUMNS["X"][3:])
    assert blocks[0].class_ids is None and blocks[0].dtype is DType.F32
    source.close()


@EVERYWHERE
def test_a_file_that_is_written_again_has_another_version(inbox: Inbox, tmp_path: Path) -> None:
    uri = put(inbox, "npz", tmp_path)
    first = opened(inbox, uri)
    same = opened(inbox, uri)
    put(inbox, "npz", tmp_path, table(ROWS + 1))
    other = opened(inbox, uri)
    assert first.version == same.version != other.version
    for source in (first, same, other):
        source.close()


@EVERYWHERE
@EVERY_FORMAT
def test_half_precision_stays_what_it_is(inbox: Inbox, name: str, tmp_path: Path) -> None:
    columns = table(50, dtype="f2")
    source = opened(inbox, put(inbox, name, tmp_path, columns))
    (block,) = source.blocks()
    assert block.dtype is DType.F16 and block.vectors.dtype == np.float16
    np.testing.assert_array_equal(block.vectors, columns["X"])
    source.close()


@EVERYWHERE
def test_what_is_not_there_is_not_found(inbox: Inbox, tmp_path: Path) -> None:
    uri = put(inbox, "npz", tmp_path)
    with pytest.raises(errors.SourceNotFound, match=r"none\.npz"):
        opened(inbox, uri.replace("pool", "none"))
    with pytest.raises(errors.SourceInvalid, match=r"none of the formats \.npy, \.npz"):
        opened(inbox, inbox.put("pool.csv", b"a,b\n1,2\n"))


def memory_of(source: ItemSource) -> tuple[int, int]:
    """Bytes of the largest block, and of all that was held at once while reading."""
    largest = arrow = 0
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    try:
        for block in source.blocks():
            largest = max(largest, block.vectors.nbytes)
            arrow = max(arrow, pa.total_allocated_bytes() - before)
        return largest, tracemalloc.get_traced_memory()[1] + arrow
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("inbox", ["local"], indirect=True)
@EVERY_FORMAT
def test_memory_does_not_grow_with_the_file(inbox: Inbox, name: str, tmp_path: Path) -> None:
    columns = table(48_000, dimension=256)  # 49 MB
    uri = put(inbox, name, tmp_path, columns)
    assert Path(uri).stat().st_size > 40 << 20 or name in {"compressed", "feather"}
    source = opened(inbox, uri)
    largest, held = memory_of(source)
    assert 2**19 < largest <= 2**20
    assert held < 8 << 20
    source.close()


def test_a_row_group_is_not_read_whole(tmp_path: Path) -> None:
    columns = table(48_000, dimension=256)
    parquet.write_table(arrow_table(columns), tmp_path / "one.parquet", row_group_size=48_000)
    assert parquet.ParquetFile(tmp_path / "one.parquet").num_row_groups == 1
    source = opened(local_inbox(tmp_path), str(tmp_path / "one.parquet"))
    _, held = memory_of(source)
    assert held < 16 << 20
    source.close()


@pytest.mark.parametrize("inbox", ["s3"], indirect=True)
@pytest.mark.parametrize("name", ["npz", "safetensors", "parquet"])
def test_memory_is_bounded_over_the_network_too(inbox: Inbox, name: str, tmp_path: Path) -> None:
    source = opened(inbox, put(inbox, name, tmp_path, table(60_000, dimension=256)))  # 61 MB
    _, held = memory_of(source)
    assert held < 40 << 20
    source.close()


def test_rows_come_in_blocks_of_a_mebibyte(tmp_path: Path) -> None:
    place = local_inbox(tmp_path)
    columns = table(9_000, dimension=64)
    for name in FORMATS:
        source = opened(place, put(place, name, tmp_path, columns))
        sizes = [len(block) for block in source.blocks()]
        assert sum(sizes) == 9_000 and max(sizes) * 64 * 4 <= 2**20
        starts = np.concatenate([[0], np.cumsum(sizes)])
        assert all(a < b for a, b in pairwise(starts))
        source.close()
