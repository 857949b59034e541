"""Segments through a cache that is smaller than the pool."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from alservice.domain.errors import CacheFull
from alservice.storage.segments import FileSegmentStore
from tests.s3.places import S3Place
from tests.s3.server import S3Server
from tests.storage.segment_blocks import plain_block, write_plain

NAMES = [f"s{n}" for n in range(6)]


@pytest.fixture
def place(s3: S3Server, tmp_path: Path) -> Iterator[S3Place]:
    made = S3Place(s3, tmp_path)
    yield made
    made.close()


def test_readers_that_nobody_uses_make_room_and_those_in_use_do_not(place: S3Place) -> None:
    rows = [write_plain(FileSegmentStore(place.files()), name) for name in NAMES]
    size = rows[0].size_bytes
    files = place.files(limit_bytes=3 * size)
    store = FileSegmentStore(files)
    vectors = plain_block(20)[0].vectors
    for row in rows + rows[::-1]:  # the store would keep all of them mapped
        np.testing.assert_array_equal(store.open(row).vectors, vectors)
        assert files._cache.size_bytes <= 3 * size
    held = [store.open(row).vectors for row in rows[:3]]  # the arrays alone keep the files
    with pytest.raises(CacheFull, match="--cache-bytes"):
        store.open(rows[3])
    assert [np.array_equal(array, vectors) for array in held] == [True] * 3
    held.pop()
    assert store.open(rows[3]).rows == 20
    assert files._cache.size_bytes <= 3 * size


def test_writing_takes_room_in_the_cache_too_and_what_is_sealed_needs_no_download(
    place: S3Place,
) -> None:
    size = write_plain(FileSegmentStore(place.files()), "first").size_bytes
    files = place.files(limit_bytes=size + size // 2)
    store = FileSegmentStore(files)
    for name in NAMES:
        row = write_plain(store, name)
        place.replace(name, b"damaged where it is")
        assert store.open(row).rows == 20
        assert files._cache.size_bytes <= size + size // 2
