"""Transactions: all or nothing, one after the other, on one snapshot, and durable."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier, Event

import pytest

from alservice.domain.errors import ShuttingDown
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog, Tx
from tests.contract.catalog_makers import Open
from tests.contract.catalog_rows import P, a_project, a_segment, an_answer

PATIENCE_S = 60
JULY_2020_MS = 1_593_561_600_000


def revision_of(catalog: Catalog) -> int:
    project = catalog.read(lambda tx: tx.projects.get(P))
    assert project is not None
    return project.revision


def grow(tx: Tx) -> int:
    """One more revision, read and written under the project's lock."""
    project = tx.projects.lock(P)
    assert project is not None
    tx.projects.update(replace(project, revision=project.revision + 1))
    return project.revision + 1


def test_what_a_work_returns_comes_back(catalog: Catalog) -> None:
    assert catalog.transact(lambda _: "done") == "done"
    assert catalog.read(lambda _: "seen") == "seen"


def test_what_a_work_raises_comes_back_and_takes_its_changes_with_it(catalog: Catalog) -> None:
    def fail(tx: Tx) -> None:
        grow(tx)
        tx.segments.store(a_segment("s-1"), b"x")
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        catalog.transact(fail)
    with pytest.raises(LookupError):
        catalog.read(lambda tx: [][len(tx.segments.all_ids())])
    assert revision_of(catalog) == 0
    assert catalog.read(lambda tx: tx.segments.all_ids()) == []


def test_a_work_sees_its_own_changes(catalog: Catalog) -> None:
    assert catalog.transact(lambda tx: (grow(tx), grow(tx))) == (1, 2)


def test_eight_threads_lose_no_change(catalog: Catalog) -> None:
    def work(_: int) -> list[int]:
        return [catalog.transact(grow) for _ in range(25)]

    with ThreadPoolExecutor(8) as pool:
        seen = [number for numbers in pool.map(work, range(8)) for number in numbers]
    assert sorted(seen) == list(range(1, 201))
    assert revision_of(catalog) == 200


def test_a_failure_leaves_its_neighbours_in_peace(catalog: Catalog) -> None:
    # All meet while the first one keeps the writer busy, so they are likely to share a commit.
    begun, go = Event(), Event()

    def wait(_: Tx) -> None:
        begun.set()
        assert go.wait(PATIENCE_S)

    def work(n: int) -> int | None:
        def change(tx: Tx) -> int:
            tx.labels.append(P, [an_answer(f"i-{n}")])
            if n % 3 == 0:
                raise LookupError(n)
            return n

        try:
            return catalog.transact(change)
        except LookupError:
            return None

    with ThreadPoolExecutor(31) as pool:
        first = pool.submit(catalog.transact, wait)
        assert begun.wait(PATIENCE_S)
        results = [pool.submit(work, n) for n in range(30)]
        go.set()
        first.result()
    kept = [n for n in range(30) if n % 3]
    assert [r.result() for r in results] == [n if n % 3 else None for n in range(30)]
    lines = catalog.read(lambda tx: tx.labels.page(P, 0, 99, settled_only=False))
    assert sorted(line.item_id for line in lines) == sorted(f"i-{n}" for n in kept)
    assert [line.seq for line in lines] == list(range(1, len(kept) + 1))


def test_a_read_is_one_snapshot_and_does_not_stop_writers(catalog: Catalog) -> None:
    def look_twice(tx: Tx) -> tuple[Project | None, Project | None]:
        before = tx.projects.get(P)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(catalog.transact, grow).result(PATIENCE_S)
        return before, tx.projects.get(P)

    before, after = catalog.read(look_twice)
    assert before == after == a_project()
    assert revision_of(catalog) == 1


def test_a_reader_does_not_wait_for_a_writer_and_sees_nothing_unfinished(catalog: Catalog) -> None:
    changed, seen = Event(), Event()

    def change(tx: Tx) -> None:
        grow(tx)
        changed.set()
        assert seen.wait(PATIENCE_S)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(catalog.transact, change)
        assert changed.wait(PATIENCE_S)
        assert revision_of(catalog) == 0
        seen.set()
        writing.result()
    assert revision_of(catalog) == 1


def test_many_can_read_at_once(catalog: Catalog) -> None:
    together = Barrier(20, timeout=PATIENCE_S)

    def look(_: int) -> Project | None:
        def work(tx: Tx) -> Project | None:
            project = tx.projects.get(P)
            together.wait()
            return project

        return catalog.read(work)

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(look, range(20))) == [a_project()] * 20


def test_a_snapshot_cannot_be_written_to(catalog: Catalog) -> None:
    with pytest.raises(Exception, match=r"readonly|read-only"):
        catalog.read(grow)
    assert revision_of(catalog) == 0


def test_a_transaction_within_a_transaction_is_refused(catalog: Catalog) -> None:
    with pytest.raises(RuntimeError):
        catalog.transact(lambda _: catalog.transact(grow))
    with pytest.raises(RuntimeError):
        catalog.transact(lambda _: catalog.read(lambda tx: tx.projects.get(P)))
    assert catalog.transact(grow) == 1


def test_time_stands_still_within_a_transaction(catalog: Catalog) -> None:
    before = catalog.now_ms()

    def look(tx: Tx) -> set[int]:
        begun = tx.now_ms()
        while catalog.now_ms() == begun:
            pass
        return {begun, tx.now_ms()}

    for times in (catalog.transact(look), catalog.read(look)):
        assert len(times) == 1
        assert before <= times.pop() <= catalog.now_ms()
    assert before > JULY_2020_MS


def test_what_was_acknowledged_is_there_after_a_restart(reopen: Open) -> None:
    catalog = reopen()
    catalog.transact(lambda tx: tx.projects.insert(a_project()))
    for _ in range(3):
        catalog = reopen()
        catalog.transact(grow)
    assert revision_of(reopen()) == 3


def test_a_closed_catalog_says_so(catalog: Catalog) -> None:
    catalog.close()
    catalog.close()
    with pytest.raises(ShuttingDown):
        catalog.transact(grow)
    with pytest.raises(ShuttingDown):
        revision_of(catalog)


def test_close_finishes_what_was_begun(reopen: Open) -> None:
    catalog = reopen()
    catalog.transact(lambda tx: tx.projects.insert(a_project()))
    begun, go = Event(), Event()

    def slow(tx: Tx) -> int:
        begun.set()
        assert go.wait(PATIENCE_S)
        return grow(tx)

    with ThreadPoolExecutor(2) as pool:
        writing = pool.submit(catalog.transact, slow)
        assert begun.wait(PATIENCE_S)
        closing = pool.submit(catalog.close)
        go.set()
        closing.result(PATIENCE_S)
        assert writing.result() == 1
    assert revision_of(reopen()) == 1
