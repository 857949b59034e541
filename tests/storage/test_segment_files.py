"""What the local store promises about its files."""

import dataclasses
import errno
import gc
import json
import os
import random
from pathlib import Path

import numpy as np
import pytest
import safetensors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from alservice import core
from alservice.domain.errors import Conflict, Overloaded, SegmentCorrupt
from alservice.domain.project import DType
from alservice.ports.segments import PackedIds
from alservice.storage.files import mapped
from alservice.storage.folder_lock import FolderLock
from alservice.storage.segments import LocalSegmentStore
from alservice.storage.segments.checksum import combine
from alservice.storage.segments.layout import HEADER_SIZE, aligned, header, tensor
from alservice.storage.segments.reader import Reader
from tests.storage.segment_blocks import (
    Rows,
    catalog_row,
    file_of,
    plain_block,
    segments,
    write,
    write_plain,
)

shared_folder = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60
)


@shared_folder
@given(segments())
def test_the_public_library_reads_the_same_tensors(
    tmp_path: Path, segment: tuple[list[Rows], int, DType]
) -> None:
    rows, dimension, dtype = segment
    data, sealed = LocalSegmentStore(tmp_path).encode(rows, dimension, dtype)
    tensors = dict(safetensors.deserialize(data))  # type: ignore[no-untyped-call]
    ours = LocalSegmentStore(tmp_path).open(catalog_row("i", sealed, inline=True), data)
    kinds = {DType.F32: "F32", DType.F16: "F16", DType.BF16: "BF16"}
    assert tensors["vectors"]["dtype"] == kinds[dtype]
    assert tensors["vectors"]["shape"] == [sealed.rows, dimension]
    assert bytes(tensors["vectors"]["data"]) == ours.vectors.tobytes()
    assert bytes(tensors["id_bytes"]["data"]) == ours.ids.data.tobytes()
    assert bytes(tensors["id_hash"]["data"]) == ours.ids.hashes.tobytes()
    assert bytes(tensors["hash_order"]["data"]) == ours.order.tobytes()


def test_the_public_library_loads_a_file(tmp_path: Path) -> None:
    row = write_plain(LocalSegmentStore(tmp_path), "s", 50)
    loaded = load_file(file_of(tmp_path, row))
    np.testing.assert_array_equal(loaded["vectors"], plain_block(50)[0].vectors)
    assert loaded["incarnation"].tolist() == [1] * 50
    assert not {"cost", "attr_bytes", "class_bytes"} & set(loaded)


@shared_folder
@given(segments())
def test_a_file_is_the_inline_form_byte_for_byte_and_aligned(
    tmp_path: Path, segment: tuple[list[Rows], int, DType]
) -> None:
    rows, dimension, dtype = segment
    store = LocalSegmentStore(tmp_path)
    data, sealed = store.encode(rows, dimension, dtype)
    row = write(store, "s", rows, dimension, dtype)
    written = file_of(tmp_path, row).read_bytes()
    store.remove("s")
    entries = json.loads(data[8:HEADER_SIZE])
    assert written == data
    assert row == catalog_row("s", sealed)
    assert sealed.crc32c == core.crc32c(data)
    assert entries.pop("__metadata__") == {
        "version": "1",
        "rows": str(sealed.rows),
        "dimension": str(dimension),
    }
    begins = {name: HEADER_SIZE + e["data_offsets"][0] for name, e in entries.items()}
    assert {n: b for n, b in begins.items() if b % 64 and not n.startswith("_pad")} == {}


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_checksums_combine(first: bytes, second: bytes) -> None:
    both = combine(core.crc32c(first), core.crc32c(second), len(second))
    assert both == core.crc32c(first + second)


def test_any_changed_byte_is_noticed(tmp_path: Path) -> None:
    row = write_plain(LocalSegmentStore(tmp_path), "s")
    path = file_of(tmp_path, row)
    good = path.read_bytes()
    places = [0, 7, 8, HEADER_SIZE - 1, HEADER_SIZE, len(good) - 1]
    places += random.Random(1).choices(range(len(good)), k=200)
    for place in places:
        bad = bytearray(good)
        bad[place] ^= random.Random(place).randint(1, 255)
        path.write_bytes(bad)
        with pytest.raises(SegmentCorrupt, match="segment s of project birds") as caught:
            LocalSegmentStore(tmp_path).open(row)
        assert caught.value.metadata == {"segment": "s", "project": "birds", "cause": "checksum"}
    path.write_bytes(good)
    assert LocalSegmentStore(tmp_path).open(row).rows == 20


@pytest.mark.parametrize("keep", [0, 7, 100, HEADER_SIZE, -1])
def test_a_truncated_file_is_noticed(tmp_path: Path, keep: int) -> None:
    row = write_plain(LocalSegmentStore(tmp_path), "s")
    path = file_of(tmp_path, row)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SegmentCorrupt, match="bytes instead of") as caught:
        LocalSegmentStore(tmp_path).open(row)
    assert caught.value.metadata["cause"] == "size"


def test_a_file_that_came_back_is_read_again(tmp_path: Path) -> None:
    store = LocalSegmentStore(tmp_path)
    row = write_plain(store, "s")
    path = file_of(tmp_path, row)
    path.rename(tmp_path / "aside")
    with pytest.raises(SegmentCorrupt) as caught:
        store.open(row)
    assert caught.value.metadata["cause"] == "missing"
    (tmp_path / "aside").rename(path)
    assert store.open(row).rows == 20


def test_bytes_with_the_right_checksum_that_are_no_segment_are_refused(tmp_path: Path) -> None:
    store = LocalSegmentStore(tmp_path)
    row = write_plain(store, "s")
    for junk in (b"\0" * row.size_bytes, b"\xff" * row.size_bytes):
        file_of(tmp_path, row).write_bytes(junk)
        fitting = dataclasses.replace(row, crc32c=core.crc32c(junk))
        with pytest.raises(SegmentCorrupt) as caught:
            store.open(fitting)
        assert caught.value.metadata["cause"] == "format"


def test_colliding_hashes_do_no_harm() -> None:
    ids = [f"i{n}" for n in range(50)]
    data = np.frombuffer("".join(ids).encode(), np.uint8)
    offsets = np.cumsum([0, *map(len, ids)])
    same = np.full(50, 7, np.uint64)
    tensors = aligned(
        [
            tensor("vectors", "F32", np.zeros((50, 0), np.float32)),
            tensor("id_hash", "U64", same),
            tensor("hash_order", "U32", core.sort_hashes(same)),
            tensor("id_offsets", "I64", offsets),
            tensor("id_bytes", "U8", data),
        ]
    )
    pieces = b"".join(piece.tobytes() for each in tensors for piece in each.pieces)
    head = header(tensors, {"version": 1, "rows": 50, "dimension": 0})
    reader = Reader(memoryview(head + pieces))
    assert reader.find(PackedIds(data, offsets, same)).tolist() == list(range(50))
    absent = PackedIds(np.frombuffer(b"i50", np.uint8), np.array([0, 3]), same[:1])
    assert reader.find(absent).tolist() == [-1]


def test_evicted_files_are_mapped_again(tmp_path: Path) -> None:
    store = LocalSegmentStore(tmp_path, max_mapped=2)
    rows = [write_plain(store, f"s{i}", i + 1) for i in range(5)]
    readers = [store.open(row) for row in rows]
    assert [store.opened(row.segment_id) for row in rows] == [None] * 3 + readers[3:]
    assert [store.open(row).rows for row in rows] == [1, 2, 3, 4, 5]
    assert [reader.item_ids(np.arange(1)) for reader in readers] == [["item-0"]] * 5


def test_inline_segments_take_so_many_bytes_and_the_latest_ones_stay(tmp_path: Path) -> None:
    data, sealed = LocalSegmentStore(tmp_path).encode([plain_block(3)], 8, DType.F32)
    store = LocalSegmentStore(tmp_path, max_mapped=1, max_inline_bytes=2 * len(data))
    rows = [catalog_row(f"i{i}", sealed, inline=True) for i in range(5)]
    readers = [store.open(row, data) for row in rows[:4]]
    assert store.opened("i2") is readers[2]  # and so it was used after i3
    store.open(rows[4], data)
    assert [store.opened(f"i{i}") is not None for i in range(5)] == [False] * 2 + [
        True,
        False,
        True,
    ]


def test_what_is_larger_than_the_room_is_open_alone(tmp_path: Path) -> None:
    store = LocalSegmentStore(tmp_path, max_inline_bytes=1)
    data, sealed = store.encode([plain_block(3)], 8, DType.F32)
    reader = store.open(catalog_row("i", sealed, inline=True), data)
    assert store.opened("i") is reader


def test_a_file_that_failed_to_open_takes_no_room(tmp_path: Path) -> None:
    store = LocalSegmentStore(tmp_path, max_mapped=2)
    good = [write_plain(store, f"s{i}") for i in range(2)]
    readers = [store.open(row) for row in good]
    for number in range(3):
        with pytest.raises(SegmentCorrupt, match="gone"):
            store.open(dataclasses.replace(good[0], segment_id=f"gone{number}"))
        readers = [store.open(row) for row in good]
    assert [store.opened(row.segment_id) for row in good] == readers


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_too_many_open_files_are_said_to_be_so_and_not_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    store = LocalSegmentStore(tmp_path)
    row = write_plain(store, "s")

    def refused(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(mapped.os, "open", refused)  # type: ignore[attr-defined]
        with pytest.raises(Overloaded, match="ulimit"):
            store.open(row)
    assert store.open(row).rows == 20


def test_damage_is_answered_by_what_helps(tmp_path: Path) -> None:
    store = LocalSegmentStore(tmp_path)
    row = write_plain(store, "s")
    (tmp_path / "s.safetensors").write_bytes(b"")
    with pytest.raises(SegmentCorrupt, match="from a backup, or delete the project"):
        store.open(row)


def test_a_writer_that_is_dropped_closes_its_file(tmp_path: Path) -> None:
    def open_files() -> list[str]:
        numbers = Path("/proc/self/fd").iterdir()
        return [os.path.realpath(number) for number in numbers]

    store = LocalSegmentStore(tmp_path)
    writer = store.writer("s", 8, DType.F32)
    writer.append(*plain_block(4))
    path = str(tmp_path / "s.tmp")
    assert path in open_files()
    del writer
    gc.collect()
    assert path not in open_files()


def test_the_names_of_new_folders_are_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(
        os, "fsync", lambda number: synced.append(os.path.realpath(f"/proc/self/fd/{number}"))
    )
    FolderLock(tmp_path / "a" / "data").release()
    assert synced == [str(tmp_path), str(tmp_path / "a")]
    LocalSegmentStore(tmp_path / "a" / "data" / "segments")
    assert synced[2:] == [str(tmp_path / "a" / "data")]
    LocalSegmentStore(tmp_path / "a" / "data" / "segments")
    assert len(synced) == 3


def test_a_segment_that_was_swept_meanwhile_cannot_be_sealed(tmp_path: Path) -> None:
    store = LocalSegmentStore(tmp_path)
    writer = store.writer("s", 8, DType.F32)
    writer.append(*plain_block(4))
    store.remove("s")
    with pytest.raises(Conflict, match="swept"):
        writer.seal()
    assert store.stray([]) == []


def test_a_segment_id_is_never_reused(tmp_path: Path) -> None:
    store = LocalSegmentStore(tmp_path)
    write_plain(store, "s")
    with pytest.raises(FileExistsError):
        store.writer("s", 8, DType.F32)
    assert [path.name for path in tmp_path.iterdir()] == ["s.safetensors"]


def test_a_segment_id_cannot_leave_the_folder(tmp_path: Path) -> None:
    store = LocalSegmentStore(tmp_path / "inside")
    for hostile in ("../s", "a/b", "/etc/s", "", ".", ".."):
        with pytest.raises(ValueError, match="not the name of a file"):
            store.writer(hostile, 8, DType.F32)
    assert list(tmp_path.iterdir()) == [tmp_path / "inside"]
