"""Removing what nobody will ask for again."""

import pytest

from alservice.domain.project import DType
from alservice.ports.catalog import Tx
from alservice.usecases import sweep as module
from alservice.usecases.sweep_files import Swept
from tests.sweeping import sweeper
from tests.usecases.conftest import Clock
from tests.usecases.items import Pool, block, small_files

DAY_MS = 24 * 3_600_000


def test_a_broken_upload_is_swept_after_a_day(items_pool: Pool, clock: Clock) -> None:
    sweep = sweeper(items_pool.catalog, items_pool.store)
    with small_files():
        session = items_pool.open("u")
        session.append(0, block(["a"]))
        session.suspend()
        session.append(1, block(["b"]))
    assert sweep() == Swept(0, 0)
    assert len(items_pool.store.stray([])) == 2
    clock.advance(DAY_MS)
    assert sweep() == Swept(2, 0)
    assert list(items_pool.store.stray([])) == []
    assert items_pool.catalog.read(lambda tx: tx.segments.all_ids()) == []
    assert items_pool.catalog.read(lambda tx: tx.uploads.get("items", "u")) is None


def test_a_project_that_is_gone_takes_its_files_along(items_pool: Pool) -> None:
    with small_files():
        items_pool.add(block(["a"]))
    items_pool.catalog.transact(lambda tx: tx.projects.delete("items"))
    assert sweeper(items_pool.catalog, items_pool.store)() == Swept(1, 0)
    assert list(items_pool.store.stray([])) == []


def test_files_without_a_row_are_removed_finished_or_not(items_pool: Pool) -> None:
    with small_files():
        items_pool.add(block(["a"]))
    items_pool.store.writer("s-unfinished", 3, DType.F32)
    assert sweeper(items_pool.catalog, items_pool.store)() == Swept(0, 1)
    assert set(items_pool.content()) == {"a"}


def test_a_file_that_appears_meanwhile_is_not_a_stray(
    items_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stray = items_pool.store.stray

    def add_first(known: list[str]) -> object:
        with small_files():
            items_pool.add(block(["a"]))
        return stray(known)

    monkeypatch.setattr(items_pool.store, "stray", add_first)
    assert sweeper(items_pool.catalog, items_pool.store)() == Swept(0, 0)
    assert set(items_pool.content()) == {"a"}


def test_expired_request_records_are_pruned(items_pool: Pool, clock: Clock) -> None:
    items_pool.add(block(["a"]), request_id="r1")
    clock.advance(DAY_MS)
    sweeper(items_pool.catalog, items_pool.store)()
    assert items_pool.catalog.transact(lambda tx: tx.requests.prune(tx.now_ms(), 9)) == 0


def test_many_expired_records_are_pruned_a_few_at_a_time(
    items_pool: Pool, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        items_pool.add(block([f"i{number}"]), request_id=f"r{number}")
    clock.advance(DAY_MS)
    monkeypatch.setattr(module, "PRUNED_AT_ONCE", 2)
    prune = module._prune
    parts: list[int] = []

    def counted(tx: Tx) -> int:
        parts.append(prune(tx))
        return parts[-1]

    monkeypatch.setattr(module, "_prune", counted)
    sweeper(items_pool.catalog, items_pool.store)()
    assert parts == [2, 2, 2, 1]
