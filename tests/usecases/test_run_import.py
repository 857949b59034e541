"""An import becomes visible whole and ends its operation with it, whoever is killed on the way."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alservice.core import CancelFlag
from alservice.domain import errors
from alservice.domain.item import AddResult, ItemBlock, OnConflict
from alservice.domain.operation import Operation, OperationState
from alservice.ports.sources import Tick
from alservice.storage.imports import arrays, assemble
from alservice.usecases.add_items import AddItems, UploadHeader
from alservice.usecases.fail_operation import FailOperation
from alservice.usecases.get_upload import GetUpload, GetUploadCommand
from alservice.usecases.write_segments import WRITING_MS
from tests.sweeping import sweeper
from tests.usecases.conftest import Clock
from tests.usecases.imports import LEASE_MS, Imports, save
from tests.usecases.items import QUEUE_TRAINING, Pool, block, call, small_files

IDS = [f"i{n:03}" for n in range(100)]


@pytest.fixture
def imports(items_pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Imports:
    """Files are read in blocks of ten items."""
    monkeypatch.setattr(assemble, "MOST_ROWS", 10)
    return Imports.beside(items_pool, tmp_path)


def expected(version: int = 0) -> dict[str, tuple[list[float], str]]:
    vectors = block(IDS, version).vectors.tolist()
    return {item_id: (vector, "") for item_id, vector in zip(IDS, vectors, strict=True)}


def cut_off(imports: Imports, operation: Operation, at: float) -> None:
    """Run it until so much is done, and vanish there, as after kill -9: nothing is tidied up."""

    class Killed(BaseException):
        pass

    def die(share: float, _stage: str) -> None:
        if share >= at:
            raise Killed

    with pytest.raises(Killed):
        imports.run(operation, die)


def test_items_and_the_end_of_the_operation_are_visible_together(
    imports: Imports, tmp_path: Path
) -> None:
    labels = np.array(["cat", ""])[np.arange(100) % 2]
    asked = imports.ask(save(tmp_path / "a.npz", IDS, y=labels))
    seen: list[tuple[float, str]] = []

    def look(share: float, stage: str) -> None:
        seen.append((share, stage))
        assert imports.pool.items() == []

    imports.run(imports.claim(), look)
    done = imports.look(asked)
    assert (done.state, done.progress) == (OperationState.SUCCEEDED, 1.0)
    assert AddResult(**done.result) == AddResult(100, 0, 0, 50, 1)  # type: ignore[arg-type]
    assert imports.pool.content() == expected()
    assert seen == [*((n / 10, "reading") for n in range(10)), (1.0, "making the items visible")]


def test_whoever_takes_over_goes_on_after_what_is_sealed(
    imports: Imports, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = imports.ask(save(tmp_path / "a.npz", IDS))
    with small_files(file_bytes=360):  # three blocks
        cut_off(imports, imports.claim(), 0.75)
        assert imports.pool.items() == []
        upload = GetUpload(imports.pool.catalog)(
            call(), GetUploadCommand(imports.pool.project_id, asked.operation_id)
        )
        assert upload.received == 60
        clock.advance(LEASE_MS)
        begun: list[int] = []
        blocks = arrays.ArraySource.blocks

        def watched(source: arrays.ArraySource, start: int, tick: Tick) -> Iterator[ItemBlock]:
            begun.append(start)
            return blocks(source, start, tick)

        monkeypatch.setattr(arrays.ArraySource, "blocks", watched)
        imports.run(imports.claim("another"))
    assert begun == [60]
    done = imports.look(asked)
    assert (done.attempt, done.state) == (2, OperationState.SUCCEEDED)
    assert imports.pool.content() == expected()


def test_a_worker_that_wakes_up_after_it_lost_the_work_changes_nothing(
    imports: Imports, tmp_path: Path, clock: Clock
) -> None:
    asked = imports.ask(save(tmp_path / "a.npz", IDS))
    first = imports.claim()

    def be_overtaken(share: float, _stage: str) -> None:
        if share == 0.5:
            clock.advance(LEASE_MS)
            imports.run(imports.claim("another"))

    with small_files(file_bytes=360), pytest.raises(errors.Conflict) as lost:
        imports.run(first, be_overtaken)
    FailOperation(imports.pool.catalog)(first, OperationState.FAILED, lost.value)
    done = imports.look(asked)
    assert (done.attempt, done.state) == (2, OperationState.SUCCEEDED)
    assert imports.pool.content() == expected()


def test_a_worker_that_wakes_up_while_another_is_at_work_changes_nothing(
    imports: Imports, tmp_path: Path, clock: Clock
) -> None:
    asked = imports.ask(save(tmp_path / "a.npz", IDS))
    first = imports.claim()

    def sleep_and_go_on(share: float, _stage: str) -> None:
        if share == 0.4:
            clock.advance(LEASE_MS)
            imports.run(imports.claim("another"), wake_the_first)

    def wake_the_first(share: float, _stage: str) -> None:
        if share == 0.8:
            with pytest.raises(errors.Conflict, match="taken this operation over"):
                imports.run(first)

    with small_files(file_bytes=360), pytest.raises(errors.Conflict):
        imports.run(first, sleep_and_go_on)
    assert imports.look(asked).state is OperationState.SUCCEEDED
    assert imports.pool.content() == expected()


def test_an_upload_that_is_committed_already_ends_its_operation_with_the_same_answer(
    imports: Imports, tmp_path: Path
) -> None:
    uri = save(tmp_path / "a.npz", IDS)
    asked = imports.ask(uri)
    pool, header = imports.pool, UploadHeader(asked.project_id, asked.operation_id)
    add_items = AddItems(pool.catalog, pool.store, QUEUE_TRAINING)
    session = add_items.open(call(), header, lambda _tx, _result: None)
    session.append(0, block(IDS))
    committed = session.commit()
    (tmp_path / "a.npz").unlink()
    imports.run(imports.claim())
    done = imports.look(asked)
    assert done.state is OperationState.SUCCEEDED
    assert AddResult(**done.result) == committed  # type: ignore[arg-type]
    assert imports.pool.content() == expected()


@pytest.mark.parametrize("state", [OperationState.CANCELLED, OperationState.FAILED])
def test_one_that_is_ended_leaves_nothing_behind(
    imports: Imports, tmp_path: Path, state: OperationState
) -> None:
    asked = imports.ask(save(tmp_path / "a.npz", IDS))
    cancel = CancelFlag()
    claimed = imports.claim()

    def stop(share: float, _stage: str) -> None:
        if share >= 0.7:
            cancel.cancel()
            raise errors.Cancelled("the operation was cancelled")

    with small_files(file_bytes=360), pytest.raises(errors.Cancelled) as stopped:
        imports.run(claimed, stop, cancel)
    FailOperation(imports.pool.catalog)(claimed, state, stopped.value)
    assert imports.look(asked).state is state
    rows = imports.pool.catalog.read(
        lambda tx: tx.segments.of_upload(imports.pool.project_id, asked.operation_id)
    )
    assert rows == [] and imports.pool.items() == []


def test_a_file_that_was_written_again_is_not_mixed_with_what_it_was(
    imports: Imports, tmp_path: Path, clock: Clock
) -> None:
    uri = save(tmp_path / "a.npz", IDS)
    imports.ask(uri)
    with small_files(file_bytes=360):
        cut_off(imports, imports.claim(), 0.75)
    save(tmp_path / "a.npz", [*IDS, "more"], version=2)
    clock.advance(LEASE_MS)
    with pytest.raises(errors.SourceChanged, match="written again"):
        imports.run(imports.claim())
    assert imports.pool.items() == []


def test_a_file_that_is_written_again_while_it_is_read_is_not_committed(
    imports: Imports, tmp_path: Path
) -> None:
    uri = save(tmp_path / "a.npz", IDS)
    asked = imports.ask(uri)

    def overwrite(share: float, _stage: str) -> None:
        if share == 0.9:
            save(tmp_path / "b.npz", IDS, version=1)
            (tmp_path / "b.npz").replace(tmp_path / "a.npz")

    with pytest.raises(errors.SourceChanged):
        imports.run(imports.claim(), overwrite)
    assert imports.look(asked).state is OperationState.RUNNING
    assert imports.pool.items() == []


def test_conflicts_are_handled_as_in_any_upload(imports: Imports, tmp_path: Path) -> None:
    imports.pool.add(block(IDS[:5]))
    uri = save(tmp_path / "a.npz", IDS, version=3)
    imports.ask(uri)
    with pytest.raises(errors.ItemExists, match=r"i000.*columns.item_id.*id_prefix") as caught:
        imports.run(failed := imports.claim())
    assert caught.value.metadata["count"] == "5"
    FailOperation(imports.pool.catalog)(failed, OperationState.FAILED, errors.Conflict(""))
    asked = imports.ask(uri, on_conflict=OnConflict.SKIP)
    imports.run(imports.claim())
    assert imports.look(asked).result["skipped"] == 5
    asked = imports.ask(uri, on_conflict=OnConflict.REPLACE)
    imports.run(imports.claim())
    assert imports.look(asked).result["replaced"] == 100
    assert imports.pool.content() == expected(3)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"ids": np.array([*IDS[:-1], IDS[7]])}, errors.ItemExists),
        ({"y": np.array(["bird"] * 100)}, errors.ClassUnknown),
        ({"cost": np.full(100, -1.0)}, errors.InvalidField),
        (
            {"X": np.where(np.arange(300).reshape(100, 3) == 200, np.nan, 1)},
            errors.NonFiniteVector,
        ),
        ({"role": np.array(["judge"] * 100)}, errors.SourceInvalid),
    ],
)
def test_what_is_wrong_with_a_row_is_said_and_nothing_is_added(
    imports: Imports,
    tmp_path: Path,
    changes: dict[str, Any],
    error: type[Exception],
) -> None:
    columns: dict[str, Any] = {"X": np.ones((100, 3)), "ids": np.array(IDS), **changes}
    np.savez(tmp_path / "a.npz", **columns)
    imports.ask(str(tmp_path / "a.npz"))
    with pytest.raises(error):
        imports.run(imports.claim())
    assert imports.pool.items() == []


def test_vectors_of_another_dimension_are_refused(imports: Imports, tmp_path: Path) -> None:
    imports.pool.add(block(["first"]))
    np.save(tmp_path / "a.npy", np.ones((4, 7), np.float32))
    imports.ask(str(tmp_path / "a.npy"))
    with pytest.raises(errors.DimensionMismatch, match="3 numbers"):
        imports.run(imports.claim())


def test_the_work_of_somebody_else_is_not_begun(imports: Imports, tmp_path: Path) -> None:
    imports.ask(save(tmp_path / "a.npz", IDS))
    claimed = imports.claim()
    with pytest.raises(errors.Conflict):
        imports.run(replace(claimed, attempt=claimed.attempt - 1))
    assert imports.pool.items() == []


def test_one_whose_parts_have_expired_begins_again(
    imports: Imports, tmp_path: Path, clock: Clock
) -> None:
    asked = imports.ask(save(tmp_path / "a.npz", IDS))
    with small_files(file_bytes=360):
        cut_off(imports, imports.claim(), 0.75)
        clock.advance(WRITING_MS + 1)
        sweeper(imports.pool.catalog, imports.pool.store)()
        imports.run(imports.claim("another"))
    assert imports.look(asked).state is OperationState.SUCCEEDED
    assert imports.pool.content() == expected()


def test_nobody_else_uploads_into_an_import(imports: Imports, tmp_path: Path) -> None:
    asked = imports.ask(save(tmp_path / "a.npz", IDS))

    def intrude(_share: float, _stage: str) -> None:
        with pytest.raises(errors.InvalidField, match="is that of an operation") as caught:
            imports.pool.open(asked.operation_id)
        assert caught.value.metadata["field"] == "upload_id"

    imports.run(imports.claim(), intrude)
    intrude(1.0, "done")
    assert imports.pool.content() == expected()
