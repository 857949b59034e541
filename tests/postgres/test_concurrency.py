"""Two catalogs on one database, as two replicas have them: nothing is lost, nothing done twice."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import count
from threading import Event

import pytest

from alservice.core import CancelFlag
from alservice.domain.call import Call
from alservice.domain.errors import CatalogUnavailable, Conflict, ProjectExists
from alservice.domain.operation import OperationState
from alservice.domain.principal import Principal
from alservice.domain.project import Project
from alservice.domain.segment import Segment, SegmentState
from alservice.ports.catalog import Catalog, Tx
from alservice.storage.catalog import postgres
from alservice.storage.catalog.postgres import PostgresCatalog
from alservice.usecases.once import once_above_projects
from tests.contract.catalog_rows import P, a_lease, a_project, a_segment, an_answer, an_operation
from tests.postgres.bouncer import shared_bouncer

Two = tuple[Catalog, Catalog]
PATIENCE_S = 60
LEASE_MS = 10


@pytest.fixture(params=["direct", "pgbouncer"])
def two(request: pytest.FixtureRequest) -> Iterator[Two]:
    """Two replicas' catalogs, with one project."""
    bouncer = shared_bouncer()
    with bouncer.server.database() as name:
        dsn = (bouncer if request.param == "pgbouncer" else bouncer.server).dsn(name)
        catalogs = PostgresCatalog(dsn), PostgresCatalog(dsn)
        catalogs[0].transact(lambda tx: tx.projects.insert(a_project()))
        yield catalogs
        for catalog in catalogs:
            catalog.close()


def locked(tx: Tx) -> Project:
    project = tx.projects.lock(P)
    assert project is not None
    return project


def in_threads(two: Two, work: Callable[[Catalog, int], object], threads: int = 16) -> None:
    """Run `work` once in each thread, on one catalog or the other."""
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, two[n % 2], n) for n in range(threads)]:
            done.result(PATIENCE_S)


def test_no_change_is_lost_and_revisions_appear_in_order(two: Two) -> None:
    seen: list[int] = []
    stop = Event()

    def grow(tx: Tx) -> None:
        project = locked(tx)
        tx.labels.append(P, [an_answer(f"i-{project.revision}")])
        tx.projects.update(replace(project, revision=project.revision + 1))

    def look(tx: Tx) -> tuple[int, int]:
        project = tx.projects.get(P)
        return project.revision if project else -1, len(
            tx.labels.page(P, 0, 999, settled_only=False)
        )

    def watch() -> None:
        while not stop.is_set():
            revision, lines = two[1].read(look)
            assert revision == lines
            seen.append(revision)

    with ThreadPoolExecutor(1) as watcher:
        watching = watcher.submit(watch)
        in_threads(two, lambda catalog, _: [catalog.transact(grow) for _ in range(10)])
        stop.set()
        watching.result(PATIENCE_S)
    assert seen == sorted(seen)
    assert two[0].read(look) == (160, 160)
    lines = two[0].read(lambda tx: tx.labels.page(P, 0, 999, settled_only=False))
    assert [line.item_id for line in lines] == [f"i-{n}" for n in range(160)]


def test_no_item_is_leased_twice(two: Two) -> None:
    def take(tx: Tx, batch: str) -> bool:
        """Lease the first three items that nobody has."""
        locked(tx)
        taken = {lease.item_id for lease in tx.leases.live(P, 0)}
        free = [f"i-{n:03}" for n in range(96) if f"i-{n:03}" not in taken][:3]
        tx.leases.insert(P, [a_lease(item, batch_id=batch) for item in free])
        return bool(free)

    def work(catalog: Catalog, thread: int) -> None:
        names = (f"b-{thread}-{number}" for number in count())
        while catalog.transact(lambda tx: take(tx, next(names))):
            pass

    in_threads(two, work)
    leases = two[0].read(lambda tx: tx.leases.live(P, 0))
    assert sorted(lease.item_id for lease in leases) == [f"i-{n:03}" for n in range(96)]
    batches = [lease.batch_id for lease in leases]
    assert {batches.count(batch) for batch in batches} == {3}


def test_without_a_lock_the_slower_of_two_leases_is_a_conflict(two: Two) -> None:
    def take(catalog: Catalog, _: int) -> None:
        try:
            catalog.transact(lambda tx: tx.leases.insert(P, [a_lease("i-1")]))
        except Conflict:
            lost.append(1)

    lost: list[int] = []
    in_threads(two, take, 8)
    assert len(lost) == 7


def test_each_operation_is_claimed_once(two: Two) -> None:
    def add(tx: Tx) -> None:
        for n in range(40):
            tx.operations.insert(an_operation(f"o-{n}", create_time_ms=n))

    two[0].transact(add)
    claimed: list[str] = []

    def work(catalog: Catalog, thread: int) -> None:
        claim = lambda tx: tx.operations.claim(f"w-{thread}", 100, LEASE_MS)  # noqa: E731
        while operation := catalog.transact(claim):
            claimed.append(operation.operation_id)

    in_threads(two, work, 8)
    assert sorted(claimed) == sorted(f"o-{n}" for n in range(40))


def test_a_replica_that_slept_through_its_lease_can_damage_nothing(two: Two) -> None:
    asleep, awake = two
    asleep.transact(lambda tx: tx.operations.insert(an_operation("o-1")))
    old = asleep.transact(lambda tx: tx.operations.claim("asleep", 100, LEASE_MS))
    new = awake.transact(lambda tx: tx.operations.claim("awake", 110, LEASE_MS))
    assert old is not None and new is not None
    done = replace(old, state=OperationState.SUCCEEDED)
    assert not asleep.transact(lambda tx: tx.operations.heartbeat(old, 111, LEASE_MS, 0.5, "x"))
    assert not asleep.transact(lambda tx: tx.operations.finish(done, old.attempt))
    assert not asleep.transact(lambda tx: tx.operations.give_back(old, 111))
    assert awake.read(lambda tx: tx.operations.get(P, "o-1")) == new


def test_a_replica_that_sleeps_inside_a_transaction_is_thrown_out_and_begins_again(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_BEGIN", postgres._BEGIN.replace("'15s'", "'500ms'"))
    asleep, awake = two
    holds, woken = Event(), Event()
    attempts: list[int] = []

    def sleep(tx: Tx) -> int:
        attempts.append(project := locked(tx).revision)
        holds.set()
        assert woken.wait(PATIENCE_S)
        tx.projects.update(replace(locked(tx), revision=project + 1))
        return project + 1

    def grow(tx: Tx) -> None:
        tx.projects.update(replace(locked(tx), revision=7))

    with ThreadPoolExecutor(1) as pool:
        sleeping = pool.submit(asleep.transact, sleep)
        assert holds.wait(PATIENCE_S)
        awake.transact(grow)  # waits until the server has thrown the other one out
        woken.set()
        assert sleeping.result(PATIENCE_S) == 8
    assert attempts == [0, 7]


def test_time_does_not_go_back_for_who_has_waited(two: Two) -> None:
    holds, go = Event(), Event()

    def first(tx: Tx) -> int:
        locked(tx)
        holds.set()
        assert go.wait(PATIENCE_S)
        return tx.now_ms()

    def second(tx: Tx) -> int:
        begun.set()
        locked(tx)
        return tx.now_ms()

    begun = Event()
    with ThreadPoolExecutor(2) as pool:
        early = pool.submit(two[0].transact, first)
        assert holds.wait(PATIENCE_S)
        late = pool.submit(two[1].transact, second)
        assert begun.wait(PATIENCE_S)
        go.set()
        assert early.result(PATIENCE_S) <= late.result(PATIENCE_S)


def reserve(tx: Tx, row: Segment) -> None:
    tx.segments.reserve(row)


def test_a_file_that_goes_live_is_not_swept_and_one_that_was_swept_does_not_go_live(
    two: Two,
) -> None:
    rows = [a_segment(f"s-{n}", state=SegmentState.WRITING, expire_time_ms=1) for n in range(30)]
    for row in rows:
        two[0].transact(partial(reserve, row=row))

    def publish(catalog: Catalog, name: str) -> bool:
        def work(tx: Tx) -> bool:
            locked(tx)
            row = tx.segments.get(name)
            assert row is not None
            if row.state is not SegmentState.WRITING:
                return False
            live = replace(row, state=SegmentState.LIVE, expire_time_ms=None)
            tx.segments.store(live, None)
            return True

        return catalog.transact(work)

    with ThreadPoolExecutor(6) as pool:
        published = [
            pool.submit(publish, two[n % 2], row.segment_id) for n, row in enumerate(rows)
        ]
        swept = [
            pool.submit(two[n % 2].transact, lambda tx: tx.segments.expire(5)) for n in (0, 1)
        ]
        dead = {row.segment_id for sweep in swept for row in sweep.result(PATIENCE_S)}
        live = {r.segment_id for r, p in zip(rows, published, strict=True) if p.result(PATIENCE_S)}
    assert not dead & live
    assert dead | live == {row.segment_id for row in rows}
    assert {row.segment_id for row in two[0].read(lambda tx: tx.segments.live(P))} == live


def test_twins_of_a_call_make_one_project_and_get_one_answer(two: Two) -> None:
    call = Call(Principal("ada"), "CreateProject", "r", "f", CancelFlag())

    def insert(tx: Tx, uid: str) -> str:
        if not tx.projects.insert(a_project("new", uid=uid)):
            raise ProjectExists("it exists already")
        return uid

    def create(catalog: Catalog, thread: int) -> None:
        def work(tx: Tx) -> str:
            return once_above_projects(tx, call, lambda: insert(tx, f"uid-{thread}"), str, str)

        answers.append(catalog.transact(work))

    answers: list[str] = []
    in_threads(two, create, 8)
    made = two[0].read(lambda tx: tx.projects.get("new"))
    assert made is not None
    assert answers == [made.uid] * 8


def test_who_waits_too_long_for_a_lock_is_told_to_come_back(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_BEGIN", postgres._BEGIN.replace("'20s'", "'10ms'"))
    holds, go = Event(), Event()

    def hold(tx: Tx) -> None:
        locked(tx)
        holds.set()
        assert go.wait(PATIENCE_S)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(two[0].transact, hold)
        assert holds.wait(PATIENCE_S)
        with pytest.raises(CatalogUnavailable, match="in time"):
            two[1].transact(locked)
        go.set()
        holding.result(PATIENCE_S)
