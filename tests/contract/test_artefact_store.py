"""What every ArtefactStore promises."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from numpy.typing import NDArray

from alservice import core
from alservice.domain.artefact import Artefact
from alservice.domain.errors import ArtefactCorrupt, DiskFull
from alservice.domain.names import new_id
from alservice.ports.artefacts import ArtefactStore
from alservice.storage.artefacts import FileArtefactStore
from alservice.storage.files.disk import NewFile
from tests.contract.catalog_rows import an_artefact
from tests.s3.places import Place, fresh_place

DTYPES = st.sampled_from([np.int32, np.int64, np.float32])
SHAPES = arrays_of.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=9)
SOME = {"a": np.arange(6, dtype=np.int32).reshape(2, 3), "b": np.ones(3, np.float32)}


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with fresh_place(request, tmp_path / "artefacts") as made:
        yield made


@pytest.fixture
def reopen(place: Place) -> Callable[[], ArtefactStore]:
    """Another store on the same files, which knows nothing of them yet."""
    return lambda: FileArtefactStore(place.files())


@pytest.fixture
def store(reopen: Callable[[], ArtefactStore]) -> ArtefactStore:
    return reopen()


def write(store: ArtefactStore, arrays: dict[str, NDArray[Any]] = SOME) -> Artefact:
    row = an_artefact(new_id("x"))
    sealed = store.write(row.artefact_id, arrays)
    return replace(row, size_bytes=sealed.size_bytes, crc32c=sealed.crc32c)


def assert_same(found: Any, arrays: dict[str, NDArray[Any]]) -> None:
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype and found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()
        assert not found[name].flags.writeable


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.dictionaries(st.sampled_from("abcd"), arrays_of.arrays(DTYPES, SHAPES), min_size=1))
def test_what_was_written_is_read(
    reopen: Callable[[], ArtefactStore], arrays: dict[str, NDArray[Any]]
) -> None:
    store = reopen()
    row = write(store, arrays)
    assert_same(store.open(row), arrays)
    assert_same(reopen().open(row), arrays)


def test_what_is_mapped_goes_on_working_when_the_file_goes(store: ArtefactStore) -> None:
    row = write(store)
    found = store.open(row)
    store.remove(row.artefact_id)
    store.remove(row.artefact_id)
    assert_same(found, SOME)
    with pytest.raises(ArtefactCorrupt, match=row.artefact_id) as caught:
        store.open(row)
    assert caught.value.metadata["artefact"] == row.artefact_id


def test_ids_are_never_used_twice(store: ArtefactStore) -> None:
    row = write(store)
    with pytest.raises(FileExistsError):
        store.write(row.artefact_id, SOME)
    assert_same(store.open(row), SOME)


def test_files_without_a_row_are_told(store: ArtefactStore) -> None:
    known, stray = write(store), write(store)
    assert list(store.stray([known.artefact_id])) == [stray.artefact_id]
    assert list(store.stray([known.artefact_id, stray.artefact_id, "x-9"])) == []


@pytest.mark.parametrize("change", ["flip", "cut", "swap"])
def test_a_damaged_file_is_named_and_never_read(
    reopen: Callable[[], ArtefactStore], place: Place, change: str
) -> None:
    row = write(reopen())
    data = bytearray(place.read(row.artefact_id))
    if change == "flip":
        data[-1] ^= 1
    place.replace(row.artefact_id, bytes(data[:-1] if change == "cut" else data))
    if change == "swap":
        row = replace(row, crc32c=row.crc32c ^ 1)
    with pytest.raises(ArtefactCorrupt, match="Build it again"):
        reopen().open(row)


@pytest.mark.parametrize("text", [b"", b"{}", b'{"__metadata__":{"version":"2"}}'])
def test_another_format_is_refused(
    reopen: Callable[[], ArtefactStore], place: Place, text: bytes
) -> None:
    row = write(reopen())
    data = place.read(row.artefact_id)[:8] + text.ljust(4088) if text else b"\0" * 4096
    place.replace(row.artefact_id, data)
    row = replace(row, size_bytes=len(data), crc32c=core.crc32c(data))
    with pytest.raises(ArtefactCorrupt, match="no artefact"):
        reopen().open(row)


def test_a_full_disk_leaves_nothing_behind(
    store: ArtefactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise DiskFull("no room")

    monkeypatch.setattr(NewFile, "write", full)
    with pytest.raises(DiskFull):
        store.write("x-1", SOME)
    assert list(store.stray([])) == []


def test_an_id_that_is_a_path_is_refused(store: ArtefactStore) -> None:
    with pytest.raises(ValueError, match="not the name of a file"):
        store.remove("../x")
