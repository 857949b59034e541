"""What every SegmentStore promises."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from alservice.domain.errors import SegmentCorrupt
from alservice.domain.item import EMPTY_ATTRIBUTES, Attributes
from alservice.domain.project import DType
from alservice.ports.segments import SegmentReader, SegmentStore
from alservice.storage.segments import FileSegmentStore, LocalSegmentStore
from tests.s3.places import Place, fresh_place
from tests.storage.segment_blocks import (
    NUMPY_OF,
    Rows,
    blocks,
    catalog_row,
    plain_block,
    segments,
    texts,
    write,
    write_plain,
)

segment_ids = (f"s{i}" for i in itertools.count())
one_store_for_all_examples = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60
)


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with fresh_place(request, tmp_path / "segments") as made:
        yield made


@pytest.fixture
def store(place: Place) -> SegmentStore:
    return FileSegmentStore(place.files())


def column(rows: list[Rows], name: str, default: object) -> list[object]:
    """One column of all blocks, with the default where a block does not have it."""
    return [
        value
        for block, _ in rows
        for value in (
            [default] * len(block) if getattr(block, name) is None else getattr(block, name)
        )
    ]


def assert_holds(reader: SegmentReader, rows: list[Rows], dtype: DType) -> None:
    vectors = np.concatenate([block.vectors for block, _ in rows])
    everything = np.arange(len(vectors))
    classes = column(rows, "class_ids", "")
    assert (reader.rows, reader.dtype) == (len(vectors), dtype)
    assert reader.vectors.dtype == NUMPY_OF[dtype]
    assert reader.vectors.shape == vectors.shape
    assert reader.vectors.tobytes() == vectors.tobytes()
    assert reader.item_ids(everything) == column(rows, "item_ids", "")
    assert reader.incarnations.tolist() == [i for _, each in rows for i in each]
    assert reader.roles.tolist() == column(rows, "roles", 0)
    np.testing.assert_array_equal(reader.costs, np.array(column(rows, "costs", np.nan), "f4"))
    assert reader.attributes(everything) == column(rows, "attributes", EMPTY_ATTRIBUTES)
    labelled = [row for row, class_id in enumerate(classes) if class_id]
    found, names = reader.class_ids()
    assert (found.tolist(), names) == (labelled, [classes[row] for row in labelled])


@one_store_for_all_examples
@given(segments())
def test_what_was_written_is_read(
    store: SegmentStore, segment: tuple[list[Rows], int, DType]
) -> None:
    rows, dimension, dtype = segment
    sealed = write(store, next(segment_ids), rows, dimension, dtype)
    assert_holds(store.open(sealed), rows, dtype)


@one_store_for_all_examples
@given(segments())
def test_what_was_encoded_is_read(
    store: SegmentStore, segment: tuple[list[Rows], int, DType]
) -> None:
    rows, dimension, dtype = segment
    data, sealed = store.encode(rows, dimension, dtype)
    row = catalog_row(next(segment_ids), sealed, inline=True)
    assert len(data) == sealed.size_bytes
    assert_holds(store.open(row, data), rows, dtype)


@one_store_for_all_examples
@given(blocks(2, DType.F32, max_rows=40), st.lists(texts, max_size=20))
def test_find_answers_like_a_dictionary(
    store: SegmentStore, written: Rows, asked: list[str]
) -> None:
    first = plain_block(1, 2)
    ids = [*first[0].item_ids, *written[0].item_ids]
    reader = store.open(write(store, next(segment_ids), [first, written], 2, DType.F32))
    oracle = {item_id: row for row, item_id in enumerate(ids)}
    queries = asked + ids
    assert reader.find(store.pack(queries)).tolist() == [oracle.get(q, -1) for q in queries]


def test_find_compares_the_bytes_and_not_only_the_hash(store: SegmentStore) -> None:
    reader = store.open(write_plain(store, "s"))
    impostor = dataclasses.replace(store.pack(["other-3"]), hashes=store.pack(["item-3"]).hashes)
    assert reader.find(store.pack(["item-3"])).tolist() == [3]
    assert reader.find(impostor).tolist() == [-1]


@given(st.lists(texts, max_size=20))
def test_packed_ids_are_their_bytes_end_to_end(
    tmp_path_factory: pytest.TempPathFactory, ids: list[str]
) -> None:
    packed = LocalSegmentStore(tmp_path_factory.getbasetemp()).pack(ids)
    cuts = itertools.pairwise(packed.offsets.tolist())
    assert [bytes(packed.data[a:b]).decode() for a, b in cuts] == ids
    assert packed.hashes.shape == (len(ids),)


@pytest.mark.parametrize("rows", [[-1], [20], [0, -1]])
def test_rows_that_do_not_exist_are_refused(store: SegmentStore, rows: list[int]) -> None:
    reader = store.open(write_plain(store, "s"))
    with pytest.raises(IndexError):
        reader.item_ids(np.array(rows))


def arrays_of(reader: SegmentReader) -> Sequence[NDArray[np.generic]]:
    ids = reader.ids
    columns = (reader.incarnations, reader.roles, reader.costs, reader.order)
    return (reader.vectors, ids.data, ids.offsets, ids.hashes, *columns)


def test_nothing_that_is_read_can_be_changed(store: SegmentStore) -> None:
    data, sealed = store.encode([plain_block(3)], 8, DType.F32)
    inline = store.open(catalog_row("i", sealed, inline=True), data)
    for reader in (store.open(write_plain(store, "s")), inline):
        assert [a.flags.writeable for a in arrays_of(reader)] == [False] * 8


def test_a_damaged_inline_segment_is_reported_by_its_name(store: SegmentStore) -> None:
    data, sealed = store.encode([plain_block(3)], 8, DType.F32)
    damaged = data[:-1] + bytes([data[-1] ^ 1])
    for wrong in (damaged, data[:-1], data + b"\0", b""):
        with pytest.raises(SegmentCorrupt, match="segment i of project birds") as caught:
            store.open(catalog_row("i", sealed, inline=True), wrong)
        assert caught.value.metadata["segment"] == "i"
    assert store.open(catalog_row("i", sealed, inline=True), data).rows == 3


def test_a_catalog_row_of_another_segment_is_not_believed(store: SegmentStore) -> None:
    row = write_plain(store, "s")
    with pytest.raises(SegmentCorrupt, match="rows"):
        store.open(dataclasses.replace(row, rows=19))
    with pytest.raises(SegmentCorrupt, match="CRC32C"):
        store.open(dataclasses.replace(write_plain(store, "t"), crc32c=row.crc32c ^ 1))


def test_an_inline_segment_needs_its_bytes_once(store: SegmentStore) -> None:
    data, sealed = store.encode([plain_block(3)], 8, DType.F32)
    row = catalog_row("i", sealed, inline=True)
    with pytest.raises(ValueError, match="needed"):
        store.open(row)
    assert store.opened("i") is None
    reader = store.open(row, data)
    assert store.opened("i") is reader
    assert store.open(row) is reader


def test_threads_share_one_reader(store: SegmentStore) -> None:
    row = write_plain(store, "s", 5000)
    with ThreadPoolExecutor(8) as threads:
        readers = list(threads.map(lambda _: store.open(row), range(32)))
    assert len({id(reader) for reader in readers}) == 1


def test_a_removed_segment_stays_readable_for_who_has_it_open(store: SegmentStore) -> None:
    row = write_plain(store, "s")
    reader = store.open(row)
    store.remove("s")
    store.remove("s")
    assert store.opened("s") is None
    assert_holds(reader, [plain_block(20)], DType.F32)
    with pytest.raises(SegmentCorrupt, match="gone"):
        store.open(row)


def test_what_nobody_knows_is_stray(store: SegmentStore) -> None:
    write_plain(store, "known")
    write_plain(store, "orphan")
    store.writer("unfinished", 8, DType.F32)
    store.writer("in-progress", 8, DType.F32)
    assert list(store.stray(["known", "in-progress", "elsewhere"])) == ["orphan", "unfinished"]
    for segment_id in store.stray(["known", "in-progress"]):
        store.remove(segment_id)
    assert list(store.stray([])) == ["in-progress", "known"]


def test_a_segment_has_at_least_one_item(store: SegmentStore) -> None:
    writer = store.writer("s", 8, DType.F32)
    writer.append(*plain_block(0))
    with pytest.raises(ValueError, match="at least one item"):
        writer.seal()
    with pytest.raises(ValueError, match="at least one item"):
        store.encode([plain_block(0)], 8, DType.F32)
    assert list(store.stray([])) == []


def test_an_aborted_segment_leaves_nothing_and_a_sealed_one_stays(store: SegmentStore) -> None:
    aborted, sealed = store.writer("a", 8, DType.F32), store.writer("s", 8, DType.F32)
    for writer in (aborted, sealed):
        writer.append(*plain_block(4))
    sealed.seal()
    for writer in (aborted, aborted, sealed):
        writer.abort()
        with pytest.raises(ValueError, match="sealed, or was given up"):
            writer.append(*plain_block(4))
    assert list(store.stray([])) == ["s"]


def test_a_block_that_does_not_fit_is_refused_and_the_writer_goes_on(store: SegmentStore) -> None:
    writer = store.writer("s", 8, DType.F32)
    block, incarnations = plain_block(4)
    wrong = [
        (plain_block(4, 7)[0], incarnations),
        (dataclasses.replace(block, dtype=DType.F16), incarnations),
        (dataclasses.replace(block, vectors=block.vectors.astype(np.float64)), incarnations),
        (dataclasses.replace(block, item_ids=block.item_ids[1:]), incarnations),
        (dataclasses.replace(block, roles=np.zeros(3, np.uint8)), incarnations),
        (dataclasses.replace(block, attributes=(Attributes(),)), incarnations),
        (dataclasses.replace(block, item_ids=("a", "b", "c", "\ud800")), incarnations),
        (block, incarnations[1:]),
    ]
    for each in wrong:
        with pytest.raises(ValueError):  # noqa: PT011 - every message names its own column
            writer.append(*each)
    writer.append(block, incarnations)
    assert_holds(store.open(catalog_row("s", writer.seal())), [(block, incarnations)], DType.F32)


def test_a_buffer_may_be_used_again_after_append(store: SegmentStore) -> None:
    block, incarnations = plain_block(6)
    columns = dataclasses.replace(block, roles=np.full(6, 2, np.uint8), costs=np.ones(6, "f4"))
    before = dataclasses.replace(columns, vectors=block.vectors.copy(), roles=np.full(6, 2, "u1"))
    writer = store.writer("s", 8, DType.F32)
    writer.append(columns, incarnations)
    for array in (columns.vectors, columns.roles, columns.costs, incarnations):
        assert array is not None
        array[...] = 0
    rows = [(dataclasses.replace(before, costs=np.ones(6, "f4")), np.ones(6, np.int64))]
    assert_holds(store.open(catalog_row("s", writer.seal())), rows, DType.F32)


def test_vectors_may_be_a_strided_view(store: SegmentStore) -> None:
    block, incarnations = plain_block(6)
    strided = dataclasses.replace(block, vectors=np.asfortranarray(block.vectors))
    row = write(store, "s", [(strided, incarnations)], 8, DType.F32)
    assert_holds(store.open(row), [(block, incarnations)], DType.F32)


def test_the_size_of_a_writer_grows_with_vectors_and_texts(store: SegmentStore) -> None:
    writer = store.writer("s", 8, DType.F32)
    writer.append(*plain_block(100))
    vectors = 100 * 8 * 4
    assert writer.rows == 100
    assert vectors < writer.size_bytes < vectors + 100 * 10
    writer.abort()
