"""Rows are counted without reading them, and a damaged footer is told."""

from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alservice.domain.errors import SourceInvalid
from alservice.domain.source import SourceColumns
from alservice.storage.imports.arrow_file import open_arrow
from alservice.storage.imports.arrow_footer import batch_rows
from tests.storage.asked_bytes import AskedBytes


def write(path: Path, batches: Sequence[Any], **options: Any) -> None:
    with (
        pa.OSFile(str(path), "wb") as file,
        pa.ipc.new_file(
            file, batches[0].schema, options=pa.ipc.IpcWriteOptions(**options)
        ) as writer,
    ):
        for batch in batches:
            writer.write_batch(batch)


def a_batch(rows: int) -> Any:
    words = pa.array([f"w{n % 3}" for n in range(rows)], pa.string()).dictionary_encode()
    return pa.record_batch({"ids": pa.array(range(rows), pa.int64()), "label": words})


def counted(path: Path, *, is_far: bool = False) -> Sequence[int]:
    with closing(AskedBytes.of(path, is_far=is_far)) as raw:
        return batch_rows(raw)


@settings(max_examples=40)
@given(
    sizes=st.lists(st.integers(0, 40), min_size=1, max_size=40),
    compression=st.sampled_from([None, "lz4", "zstd"]),
    version=st.sampled_from([pa.ipc.MetadataVersion.V4, pa.ipc.MetadataVersion.V5]),
    legacy=st.booleans(),
    is_far=st.booleans(),
)
def test_the_rows_of_each_batch(
    sizes: list[int], compression: str | None, version: Any, *, legacy: bool, is_far: bool
) -> None:
    options = {
        "compression": compression,
        "metadata_version": version,
        "use_legacy_format": legacy,
        "emit_dictionary_deltas": False,
        "unify_dictionaries": False,
    }
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.arrow"
        words = pa.array(["a", "b"])
        batches = [
            pa.record_batch(
                {
                    "n": pa.array(range(size), pa.int64()),
                    "d": pa.DictionaryArray.from_arrays(pa.array([0] * size, pa.int8()), words),
                }
            )
            for size in sizes
        ]
        write(path, batches, **options)
        assert list(counted(path, is_far=is_far)) == sizes


def test_opening_reads_no_rows_and_reading_only_the_columns_that_are_taken(
    tmp_path: Path,
) -> None:
    rows, wide = 20_000, 64
    columns = {
        "X": pa.FixedSizeListArray.from_arrays(pa.array(np.ones(rows * 4, np.float32)), 4),
        "aside": pa.array(["x" * wide] * rows),
    }
    write(tmp_path / "a.arrow", [pa.record_batch(columns)] * 20)  # 32 MB
    raw = AskedBytes.of(tmp_path / "a.arrow")
    assert raw.size_bytes > 30 << 20
    source = open_arrow(raw, "a", SourceColumns())
    assert source.count == 20 * rows
    assert raw.asked < 2 << 20
    read = sum(len(block) for block in source.blocks())
    assert read == source.count and raw.asked < raw.size_bytes / 2
    source.close()


def test_a_column_that_is_too_large_to_hold_may_lie_beside_those_that_are_taken(
    tmp_path: Path,
) -> None:
    columns = {"id": pa.array(range(17)), "aside": pa.array([b"x" * (4 << 20)] * 17)}
    write(tmp_path / "a.arrow", [pa.record_batch(columns)])
    raw = AskedBytes.of(tmp_path / "a.arrow")
    source = open_arrow(raw, "a", SourceColumns())
    assert [block.item_ids for block in source.blocks()] == [tuple(map(str, range(17)))]
    assert raw.asked < 2 << 20
    source.close()


def test_a_file_whose_batches_are_too_many_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alservice.storage.imports.arrow_footer._MOST_BATCHES", 2)
    write(tmp_path / "a.arrow", [a_batch(3)] * 2)
    assert list(counted(tmp_path / "a.arrow")) == [3, 3]
    write(tmp_path / "a.arrow", [a_batch(3)] * 3)
    with pytest.raises(SourceInvalid, match="write larger ones"):
        counted(tmp_path / "a.arrow")


@settings(max_examples=300)
@given(data=st.data())
def test_whatever_bytes_a_footer_has_rows_are_counted_or_it_is_refused(
    data: st.DataObject,
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.arrow"
        write(path, [a_batch(3), a_batch(5)])
        torn = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            torn[data.draw(st.integers(0, len(torn) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(torn[: data.draw(st.integers(0, len(torn)))])
        with suppress(SourceInvalid):
            assert all(rows >= 0 for rows in counted(path))
