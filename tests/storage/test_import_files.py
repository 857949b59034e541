"""Files that are not what they should be: one clear error, and nothing of them is run."""

import json
import pickle
import zipfile
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from alservice.domain import errors
from alservice.domain.project import DType
from alservice.domain.source import SourceColumns
from alservice.ports.sources import ItemSource
from alservice.storage.imports import ImportRoots
from tests.contract.source_files import FORMATS, table, written
from tests.storage.import_bytes import HUGE, npy, read


class Bomb:
    """What a stranger's pickle might do."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.exit, ("a stranger's code was run",))


def test_objects_are_never_loaded(roots: ImportRoots, tmp_path: Path) -> None:
    objects = np.array([Bomb(), Bomb()], dtype=object)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "b.npz", X=np.ones((2, 3)), ids=objects)
    (tmp_path / "c.npy").write_bytes(pickle.dumps(Bomb()))
    for name in ("a.npy", "b.npz"):
        with pytest.raises(errors.SourceInvalid, match="Python objects"):
            read(roots, tmp_path / name)
    with pytest.raises(errors.SourceInvalid):
        read(roots, tmp_path / "c.npy")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (npy(np.ones((2, 3)), shape=(2, 4)), "cut off"),
        (npy(np.ones((2, 3)), shape=(HUGE, HUGE)), "cut off"),
        (npy(np.ones((2, 3)), shape=(-1, 3)), "cut off"),
        (npy(np.ones((2, 3)), fortran_order=True), "column order"),
        (npy(np.ones((2, 3, 1))), r"must be \(items, dimension\)"),
        (npy(np.ones(3)), r"must be \(items, dimension\)"),
        (npy(np.ones((0, 3))), "no items"),
        (npy(np.ones((3, 0))), r"must be \(items, dimension\)"),
        (npy(np.ones((2, 3), np.complex64)), "must be numbers"),
        (npy(np.array([["a", "b"]])), "must be numbers"),
        (b"", "cannot be read"),
        (b"\x93NUMPY\x01\x00\xff\xff{", "cannot be read"),
        (b"\x93NUMPY\x09\x00" + b" " * 99, "version"),
    ],
)
def test_an_array_that_cannot_be_vectors(
    roots: ImportRoots, tmp_path: Path, data: bytes, what: str
) -> None:
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(errors.SourceInvalid, match=what) as caught:
        read(roots, tmp_path / "a.npy")
    assert str(tmp_path / "a.npy") in str(caught.value) and len(str(caught.value)) < 500


def stopped_by_its_tick(source: ItemSource, start: int) -> bool:
    def stop() -> None:
        raise errors.Cancelled("stop")

    try:
        next(source.blocks(start, stop))
    except errors.Cancelled:
        return True
    return False


def test_what_is_read_in_vain_can_be_stopped(roots: ImportRoots, tmp_path: Path) -> None:
    columns = table(100_000, 16)  # 6 MB
    for name in ("compressed", "parquet"):
        ending, data = written(name, columns, tmp_path)
        (tmp_path / f"a{ending}").write_bytes(data)
        with closing(roots.open(str(tmp_path / f"a{ending}"), SourceColumns())) as source:
            assert stopped_by_its_tick(source, 99_990)


def test_texts_that_no_item_may_have_are_not_read(roots: ImportRoots, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("X.npy", npy(np.ones((1, 3))))
        archive.writestr("ids.npy", npy(np.array(["a" * (1 << 20)])))
    with pytest.raises(errors.SourceInvalid, match="the most is 1048576"):
        read(roots, tmp_path / "a.npz")


def test_columns_must_be_as_long_as_each_other(roots: ImportRoots, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.ones((3, 2)), y=np.arange(2))
    with pytest.raises(errors.SourceInvalid, match="vector has 3, class_id has 2"):
        read(roots, tmp_path / "a.npz")
    assert read(roots, tmp_path / "a.npz", class_id="-") == ["0", "1", "2"]


def test_a_column_that_is_not_there_is_named_with_those_that_are(
    roots: ImportRoots, tmp_path: Path
) -> None:
    np.savez(tmp_path / "a.npz", X=np.ones((3, 2)), title=np.arange(3))
    with pytest.raises(errors.InvalidField, match="it holds X, title") as caught:
        read(roots, tmp_path / "a.npz", text="titel")
    assert caught.value.metadata["did_you_mean"] == "title"


@pytest.mark.parametrize(
    ("columns", "error", "what"),
    [
        ({"X": [[1.0, 2.0], [1.0]]}, errors.DimensionMismatch, "row 1 has 1 numbers"),
        ({"X": [[1.0, 2.0], None]}, errors.SourceInvalid, "row 1 has no vector"),
        ({"X": ["a", "b"]}, errors.SourceInvalid, "vectors are numbers"),
        ({"X": [[1.0], [2.0]], "id": ["a", None]}, errors.SourceInvalid, "row 1 has no id"),
        ({"X": [[1.0], [2.0]], "id": [1.5, 2.0]}, errors.SourceInvalid, "whole numbers"),
        ({"X": [[1.0], [2.0]], "cost": ["1", "2"]}, errors.SourceInvalid, "must be numbers"),
        ({"X": [[1.0], [2.0]], "label": [b"1", b"2"]}, errors.SourceInvalid, "must be texts"),
        ({"X": []}, errors.SourceInvalid, "numbers, or lists|no items"),
    ],
)
def test_a_table_that_cannot_be_items(
    roots: ImportRoots, tmp_path: Path, columns: Any, error: type[Exception], what: str
) -> None:
    parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(error, match=what):
        read(roots, tmp_path / "a.parquet")


def test_columns_of_numbers_are_a_vector_and_what_is_missing_is_nothing(
    roots: ImportRoots, tmp_path: Path
) -> None:
    labels = pa.array(["a", None, "b"]).dictionary_encode()
    columns = {"id": ["x", "y", "z"], "b": [1, 2, 3], "a": [0.5, 1.5, 2.5], "label": labels}
    more = {"cost": [1.0, None, 2.0], "text": ["hi", None, ""], "role": ["test", None, "POOL"]}
    parquet.write_table(pa.table(columns | more), tmp_path / "a.parquet")
    source = roots.open(str(tmp_path / "a.parquet"), SourceColumns(vector=("a", "b")))
    (block,) = source.blocks()
    assert block.vectors.tolist() == [[0.5, 1], [1.5, 2], [2.5, 3]]
    assert block.class_ids == ("a", "", "b")
    assert block.roles is not None and block.roles.tolist() == [1, 0, 0]
    assert block.costs is not None
    assert np.array_equal(block.costs, [1.0, np.nan, 2.0], equal_nan=True)
    assert block.attributes is not None
    assert [len(each.content) for each in block.attributes] == [1, 0, 0]
    source.close()


def test_a_part_that_is_too_large_to_hold_is_refused_unread(
    roots: ImportRoots, tmp_path: Path
) -> None:
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(np.ones(17 << 20, np.float32)), 1 << 10)
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as file:
        batch = pa.record_batch({"X": vectors})
        with pa.ipc.new_file(file, batch.schema) as writer:
            writer.write_batch(batch)
    with pytest.raises(errors.SourceInvalid, match="smaller record batches"):
        read(roots, tmp_path / "a.arrow")


def tensors(header: Any, data: bytes = b"") -> bytes:
    """A safetensors file."""
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def test_bfloat16_stays_what_it_is(roots: ImportRoots, tmp_path: Path) -> None:
    bits = np.array([[0x3F80, 0x4000], [0x4040, 0x4080]], np.uint16)  # 1, 2, 3, 4
    header = {
        "__metadata__": {"made": "by hand"},
        "X": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [1, 9]},
        "other": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]},
    }
    (tmp_path / "a.safetensors").write_bytes(tensors(header, b"\0" + bits.tobytes()))
    source = roots.open(str(tmp_path / "a.safetensors"), SourceColumns())
    (block,) = source.blocks()
    assert block.dtype is DType.BF16
    np.testing.assert_array_equal(block.vectors, bits)
    source.close()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        (1 << 60).to_bytes(8, "little") + b"{}",
        (3).to_bytes(8, "little") + b"{}",
        tensors([]),
        tensors({"X": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 15]}}, bytes(16)),
        tensors({"X": {"dtype": "F32", "shape": [2, 2], "data_offsets": [8, 24]}}, bytes(16)),
        tensors({"X": {"dtype": "F32", "shape": [-2, -2], "data_offsets": [0, 16]}}, bytes(16)),
        tensors({"X": {"dtype": "F32", "shape": [True, 2], "data_offsets": [0, 8]}}, bytes(16)),
        tensors({"X": {"dtype": "F32", "shape": [HUGE, 2], "data_offsets": [0, 16]}}, bytes(16)),
        tensors({"X": {"dtype": "F32"}}),
        tensors({"X": 7}),
        tensors({"X": {"dtype": "F8_E4M3", "shape": [1, 1], "data_offsets": [0, 1]}}, bytes(1)),
        b"\x02" + bytes(7) + b"[" * 9,
    ],
)
def test_tensors_that_are_not_what_their_header_says(
    roots: ImportRoots, tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "a.safetensors").write_bytes(data)
    with pytest.raises(errors.SourceInvalid):
        read(roots, tmp_path / "a.safetensors")


@cache
def a_file(name: str) -> tuple[str, bytes]:
    with TemporaryDirectory() as folder:
        return written(name, table(40), Path(folder))


@settings(max_examples=150)
@given(name=st.sampled_from(sorted(FORMATS)), data=st.data())
def test_whatever_bytes_a_file_has_it_is_read_or_refused(name: str, data: st.DataObject) -> None:
    ending, whole = a_file(name)
    torn = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 4))):
        if torn:
            torn[data.draw(st.integers(0, len(torn) - 1))] = data.draw(st.integers(0, 255))
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"torn{ending}"
        path.write_bytes(torn)
        with suppress(errors.InvalidArgument):
            assert len(read(ImportRoots.of([folder]), path)) >= 1
