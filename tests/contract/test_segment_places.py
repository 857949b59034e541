"""What every place of segments promises to processes that share it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alservice.domain.errors import Conflict, SegmentCorrupt
from alservice.domain.project import DType
from alservice.storage.segments import FileSegmentStore
from tests.contract.test_segment_store import assert_holds
from tests.s3.places import Place, fresh_place
from tests.storage.segment_blocks import catalog_row, plain_block, write, write_plain


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with fresh_place(request, tmp_path / "segments") as made:
        yield made


def test_what_one_process_has_sealed_every_other_reads(place: Place) -> None:
    rows = [plain_block(40)]
    row = write(FileSegmentStore(place.files()), "s", rows, 8, DType.F32)
    for _ in range(2):
        assert_holds(FileSegmentStore(place.files()).open(row), rows, DType.F32)


def test_nobody_sees_a_segment_before_it_is_sealed(place: Place) -> None:
    writer = FileSegmentStore(place.files()).writer("s", 8, DType.F32)
    writer.append(*plain_block(400))
    other = FileSegmentStore(place.files())
    assert place.names() == []
    sealed = writer.seal()
    assert (place.names(), other.stray([])) == (["s"], ["s"])
    assert other.open(catalog_row("s", sealed)).rows == 400


def test_a_segment_id_is_never_used_again(place: Place) -> None:
    row = write_plain(FileSegmentStore(place.files()), "s")
    for _ in range(2):
        with pytest.raises(FileExistsError, match="never reused"):
            FileSegmentStore(place.files()).writer("s", 8, DType.F32)
    assert FileSegmentStore(place.files()).open(row).rows == 20


@pytest.mark.parametrize(
    ("cause", "damage"),
    [
        ("checksum", lambda data: data[:-1] + bytes([data[-1] ^ 1])),
        ("checksum", lambda data: bytes([data[0] ^ 1]) + data[1:]),
        ("size", lambda data: data[:-1]),
        ("size", lambda data: data + b"\0"),
        ("size", lambda _: b""),
    ],
)
def test_a_damaged_segment_is_named_until_it_is_restored(
    place: Place, cause: str, damage: Callable[[bytes], bytes]
) -> None:
    row = write_plain(FileSegmentStore(place.files()), "s")
    good = place.read("s")
    place.replace("s", damage(good))
    other = FileSegmentStore(place.files())
    for _ in range(2):
        with pytest.raises(SegmentCorrupt, match="segment s of project birds") as caught:
            other.open(row)
        assert caught.value.metadata == {"segment": "s", "project": "birds", "cause": cause}
    place.replace("s", good)
    assert other.open(row).rows == 20


def test_a_segment_that_was_swept_meanwhile_cannot_be_sealed(place: Place) -> None:
    store = FileSegmentStore(place.files())
    writer = store.writer("s", 8, DType.F32)
    writer.append(*plain_block(4))
    store.remove("s")
    with pytest.raises(Conflict, match="swept"):
        writer.seal()
    for segment_id in store.stray([]):  # it may have been uploaded before that was noticed
        store.remove(segment_id)
    assert (store.stray([]), place.names()) == ([], [])


def test_an_id_that_is_a_path_is_refused(place: Place) -> None:
    store = FileSegmentStore(place.files())
    for hostile in ("../s", "a/b", "/etc/s", "", ".", ".."):
        with pytest.raises(ValueError, match="not the name of a file"):
            store.writer(hostile, 8, DType.F32)
        with pytest.raises(ValueError, match="not the name of a file"):
            store.remove(hostile)
