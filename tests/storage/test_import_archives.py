"""Archives of arrays (.npz): no more of them is unpacked, or read, than is asked for."""

import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from alservice.domain import errors
from alservice.domain.source import SourceColumns
from alservice.storage.imports import ImportRoots, npz
from alservice.storage.imports.arrays import ArraySource
from tests.storage.asked_bytes import AskedBytes
from tests.storage.import_bytes import HUGE, npy, read


def test_a_zip_bomb_is_no_more_than_its_blocks(roots: ImportRoots, tmp_path: Path) -> None:
    rows = 1 << 20  # 256 MiB of zeros in a quarter of a megabyte
    packed = zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED)
    with packed as archive, archive.open("X.npy", "w") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (rows, 64)}
        np.lib.format.write_array_header_1_0(file, header)
        for _ in range(rows // 4096):
            file.write(bytes(4096 * 64 * 4))
    assert (tmp_path / "a.npz").stat().st_size < 1 << 20
    source = roots.open(str(tmp_path / "a.npz"), SourceColumns())
    assert source.count == rows
    assert next(source.blocks()).vectors.nbytes == 2**20
    source.close()


def test_a_member_that_is_not_as_long_as_it_says(roots: ImportRoots, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("X.npy", npy(np.ones((10, 3)), shape=(HUGE, 3)))
    with pytest.raises(errors.SourceInvalid, match="cut off"):
        read(roots, tmp_path / "a.npz")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_method_that_unpacks_without_bound_is_refused(
    roots: ImportRoots, tmp_path: Path, method: int
) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", method) as archive:
        archive.writestr("X.npy", npy(np.zeros((4 << 20, 4), np.float32)))
    assert (tmp_path / "a.npz").stat().st_size < 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(errors.SourceInvalid, match=r"X\.npy is compressed by method"):
            read(roots, tmp_path / "a.npz")
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_a_huge_directory_is_refused_unread(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for number in range(17_000):
            archive.writestr(zipfile.ZipInfo(f"{number:020}"), b"")
    raw = AskedBytes.of(tmp_path / "a.npz")
    with pytest.raises(errors.SourceInvalid, match="its directory has"):
        npz.arrays_of(raw)
    assert raw.asked < 1 << 20
    raw.close()


@pytest.mark.parametrize("ending", ["npy", "npz"])
def test_a_header_that_says_it_is_huge_is_not_unpacked(
    roots: ImportRoots, tmp_path: Path, ending: str
) -> None:
    huge = b"\x93NUMPY\x02\x00\xff\xff\xff\x02" + bytes(48 << 20)
    path = tmp_path / f"a.{ending}"
    if ending == "npy":
        path.write_bytes(huge)
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("X.npy", huge)
    tracemalloc.start()
    try:
        with pytest.raises(errors.SourceInvalid, match="its header has 50331647 bytes"):
            read(roots, path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_a_stored_member_is_not_read_up_to_where_reading_begins(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=np.ones((1 << 20, 4), np.float32))  # 16 MiB
    raw = AskedBytes.of(tmp_path / "a.npz")
    source = ArraySource(raw, "a", npz.arrays_of(raw), SourceColumns())
    (block,) = source.blocks((1 << 20) - 10)
    assert block.vectors.tolist() == [[1.0] * 4] * 10
    assert raw.asked < 2 << 20
    source.close()
