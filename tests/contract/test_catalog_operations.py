"""Operations: claimed by one worker at a time, and closed to those who were replaced."""

from dataclasses import replace
from threading import Thread

from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.ports.catalog import Catalog, Tx
from tests.contract.catalog_rows import P, an_operation

QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED = OperationState
LEASE_MS = 10


def add(catalog: Catalog, *operations: Operation) -> None:
    def work(tx: Tx) -> None:
        for operation in operations:
            tx.operations.insert(operation)

    catalog.transact(work)


def claim(catalog: Catalog, now_ms: int, owner: str = "worker") -> Operation | None:
    return catalog.transact(lambda tx: tx.operations.claim(owner, now_ms, LEASE_MS))


def claimed(catalog: Catalog, now_ms: int = 100) -> Operation:
    operation = claim(catalog, now_ms)
    assert operation is not None
    return operation


def get(catalog: Catalog, operation_id: str = "o-1") -> Operation | None:
    return catalog.read(lambda tx: tx.operations.get(P, operation_id))


def test_every_field_of_an_operation_comes_back(catalog: Catalog) -> None:
    full = an_operation(
        "o-1",
        state=FAILED,
        request={"learner": "logistic", "activate": True, "seed": 3, "none": None},
        progress=0.5,
        stage="fit",
        cancel_requested=True,
        owner="w",
        lease_until_ms=1,
        attempt=2,
        lapses=1,
        error_reason="TRAINING_FAILED",
        error_message="no",
        create_time_ms=3,
        end_time_ms=4,
    )
    add(catalog, full)
    assert get(catalog) == full
    assert get(catalog, "o-2") is None


def test_the_oldest_is_claimed_first_and_each_only_once(catalog: Catalog) -> None:
    add(
        catalog,
        an_operation("o-2", create_time_ms=2),
        an_operation("o-1", create_time_ms=1, kind=OperationKind.MERGE),
        an_operation("o-3", create_time_ms=0, state=SUCCEEDED),
    )
    first, second = claimed(catalog), claimed(catalog)
    assert (first.operation_id, second.operation_id) == ("o-1", "o-2")
    assert claim(catalog, 100) is None
    assert (first.state, first.owner, first.attempt) == (RUNNING, "worker", 1)
    assert first.lease_until_ms == 100 + LEASE_MS
    assert get(catalog) == first


def test_many_workers_share_the_operations_out(catalog: Catalog) -> None:
    add(catalog, *(an_operation(f"o-{n}", create_time_ms=n) for n in range(20)))
    taken: list[str] = []

    def work(owner: str) -> None:
        while operation := claim(catalog, 100, owner):
            taken.append(operation.operation_id)

    workers = [Thread(target=work, args=[f"w-{n}"]) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(taken) == sorted(f"o-{n}" for n in range(20))


def test_a_lease_that_ran_out_is_taken_over_and_shuts_out_the_first(catalog: Catalog) -> None:
    add(catalog, an_operation("o-1"))
    old = claimed(catalog, 100)
    assert claim(catalog, 109) is None
    new = claimed(catalog, 110)
    assert new.attempt == old.attempt + 1
    done = replace(old, state=SUCCEEDED)
    assert not beat(catalog, old, 111)
    assert not catalog.transact(lambda tx: tx.operations.finish(done, old.attempt))
    assert get(catalog) == new
    assert catalog.transact(lambda tx: tx.operations.finish(done, new.attempt))
    assert get(catalog) == replace(done, attempt=new.attempt)


def beat(
    catalog: Catalog, operation: Operation, now_ms: int, share: float = 0.5
) -> Operation | None:
    return catalog.transact(
        lambda tx: tx.operations.heartbeat(operation, now_ms, LEASE_MS, share, "fit")
    )


def test_a_heartbeat_extends_the_lease_and_reports(catalog: Catalog) -> None:
    add(catalog, an_operation("o-1"))
    mine = claimed(catalog, 100)
    beaten = replace(mine, lease_until_ms=115, progress=0.5, stage="fit")
    assert beat(catalog, mine, 105) == get(catalog) == beaten
    assert claim(catalog, 114) is None


def test_a_heartbeat_hears_a_request_to_cancel(catalog: Catalog) -> None:
    add(catalog, an_operation("o-1"))
    mine = claimed(catalog, 100)
    catalog.transact(lambda tx: tx.operations.request_cancel(P, "o-1"))
    heard = beat(catalog, mine, 105)
    assert heard is not None and heard.cancel_requested


def test_lapses_are_counted_from_the_furthest_point_that_any_attempt_has_reached(
    catalog: Catalog,
) -> None:
    add(catalog, an_operation("o-1"))
    reached = (0.5, 0.2, 0.5, 0.625, 0.625, 0.0, 0.75)
    now_ms, furthest, lapses, seen = 100, 0.0, 0, []
    for attempt, share in enumerate(reached):
        mine = claimed(catalog, now_ms)
        lapses += attempt > 0
        assert mine.lapses == lapses and mine.progress == furthest
        for part in (0.0, share / 2, share):
            if part > furthest:
                furthest, lapses = part, 0
            beaten = beat(catalog, mine, now_ms, part)
            assert beaten is not None
            assert (beaten.progress, beaten.lapses) == (furthest, lapses)
        seen.append(lapses)
        now_ms += LEASE_MS
    assert seen == [0, 1, 2, 0, 1, 2, 0]


def test_nothing_more_happens_to_a_done_operation(catalog: Catalog) -> None:
    add(catalog, an_operation("o-1"))
    mine = claimed(catalog)
    done = replace(mine, state=SUCCEEDED, end_time_ms=7)
    assert catalog.transact(lambda tx: tx.operations.finish(done, 1))
    failed = replace(done, state=FAILED)
    assert not catalog.transact(lambda tx: tx.operations.finish(failed, 1))
    assert not beat(catalog, mine, 101)
    catalog.transact(lambda tx: tx.operations.request_cancel(P, "o-1"))
    assert claim(catalog, 10**9) is None
    assert get(catalog) == done


def test_a_request_to_cancel_is_seen_by_the_worker_and_survives_its_finish(
    catalog: Catalog,
) -> None:
    add(catalog, an_operation("o-1"))
    mine = claimed(catalog)
    catalog.transact(lambda tx: tx.operations.request_cancel(P, "o-1"))
    assert beat(catalog, mine, 101)
    catalog.transact(lambda tx: tx.operations.finish(replace(mine, state=CANCELLED), 1))
    assert get(catalog) == replace(mine, state=CANCELLED, cancel_requested=True)


def test_an_operation_that_nobody_took_can_be_finished(catalog: Catalog) -> None:
    add(catalog, an_operation("o-1"), an_operation("o-2", create_time_ms=1))
    cancelled = an_operation("o-1", state=CANCELLED, cancel_requested=True)
    assert catalog.transact(lambda tx: tx.operations.finish(cancelled, 0))
    assert claimed(catalog).operation_id == "o-2"
    late = an_operation("o-2", state=CANCELLED, create_time_ms=1)
    assert not catalog.transact(lambda tx: tx.operations.finish(late, 0))


def test_disown_frees_what_runs_at_once(catalog: Catalog) -> None:
    add(catalog, an_operation("o-1"), an_operation("o-2", create_time_ms=1))
    claimed(catalog, 100)
    assert catalog.transact(lambda tx: tx.operations.disown(101)) == 1
    assert claimed(catalog, 101).attempt == 2


def test_only_claims_from_an_owner_who_vanished_count_as_lapses(catalog: Catalog) -> None:
    add(catalog, an_operation("o-1"))
    mine = claimed(catalog, 100)
    assert (mine.attempt, mine.lapses) == (1, 0)
    assert catalog.transact(lambda tx: tx.operations.give_back(mine, 101))
    again = claimed(catalog, 101)
    assert (again.attempt, again.lapses) == (2, 0)
    assert not catalog.transact(lambda tx: tx.operations.give_back(mine, 102))
    lapsed = claimed(catalog, 101 + LEASE_MS)
    assert (lapsed.attempt, lapsed.lapses) == (3, 1)
    catalog.transact(lambda tx: tx.operations.disown(102 + LEASE_MS))
    crashed = claimed(catalog, 102 + LEASE_MS)
    assert (crashed.attempt, crashed.lapses) == (4, 2)


def test_what_is_given_back_until_later_waits_and_keeps_nobody_waiting(catalog: Catalog) -> None:
    add(catalog, an_operation("o-1"), an_operation("o-2", create_time_ms=1))
    mine = claimed(catalog, 100)
    assert catalog.transact(lambda tx: tx.operations.give_back(mine, 500))
    assert claimed(catalog, 101).operation_id == "o-2"
    assert claim(catalog, 105) is None
    theirs = claimed(catalog, 499)
    assert (theirs.operation_id, theirs.lapses) == ("o-2", 1)
    again = claimed(catalog, 500)
    assert (again.operation_id, again.attempt, again.lapses) == ("o-1", 2, 0)


def test_a_request_to_cancel_waits_for_no_pause_but_for_the_owner(catalog: Catalog) -> None:
    add(catalog, an_operation("o-1"))
    mine = claimed(catalog, 100)
    catalog.transact(lambda tx: tx.operations.give_back(mine, 10**6))
    catalog.transact(lambda tx: tx.operations.request_cancel(P, "o-1"))
    assert claimed(catalog, 101).cancel_requested
    catalog.transact(lambda tx: tx.operations.request_cancel(P, "o-1"))
    assert claim(catalog, 102) is None


def test_the_unfinished_operations_of_a_kind_are_found(catalog: Catalog) -> None:
    def unfinished(kind: OperationKind) -> list[Operation]:
        return list(catalog.read(lambda tx: tx.operations.unfinished(P, kind)))

    add(catalog, an_operation("o-1", state=SUCCEEDED), an_operation("o-2", create_time_ms=1))
    assert unfinished(OperationKind.MERGE) == []
    assert unfinished(OperationKind.TRAIN) == [get(catalog, "o-2")]
    mine = claimed(catalog)
    assert unfinished(OperationKind.TRAIN) == [mine]
    catalog.transact(lambda tx: tx.operations.finish(replace(mine, state=FAILED), 1))
    assert unfinished(OperationKind.TRAIN) == []


def listed(catalog: Catalog, before: str, limit: int) -> list[str]:
    rows = catalog.read(lambda tx: tx.operations.page(P, before, limit))
    return [operation.operation_id for operation in rows]


def test_pages_of_operations_go_from_the_newest_without_housekeeping(catalog: Catalog) -> None:
    add(
        catalog,
        an_operation("o-9", create_time_ms=1),
        an_operation("o-1", create_time_ms=2, state=SUCCEEDED),
        an_operation("o-2", create_time_ms=2),
        an_operation("o-5", create_time_ms=2, kind=OperationKind.MERGE),
        an_operation("o-0", create_time_ms=30),
    )
    assert listed(catalog, "", 3) == ["o-0", "o-2", "o-1"]
    assert listed(catalog, "o-1", 3) == ["o-9"]
    catalog.transact(lambda tx: tx.operations.delete(P, "o-1"))
    assert listed(catalog, "o-1", 3) == ["o-0", "o-2", "o-9"]


def test_only_a_done_operation_can_be_forgotten(catalog: Catalog) -> None:
    add(catalog, an_operation("o-1", state=SUCCEEDED), an_operation("o-2"))
    for operation_id in ("o-1", "o-2", "o-3"):
        catalog.transact(lambda tx, i=operation_id: tx.operations.delete(P, i))  # type: ignore[misc]
    assert get(catalog, "o-1") is None
    assert get(catalog, "o-2") is not None


def test_only_the_kinds_asked_for_are_claimed(catalog: Catalog) -> None:
    index = an_operation("o-1", kind=OperationKind.BUILD_INDEX, create_time_ms=1)
    train = an_operation("o-2", create_time_ms=2)
    add(catalog, index, train)
    kinds = (OperationKind.TRAIN, OperationKind.MERGE)
    claim = lambda tx: tx.operations.claim("me", 0, LEASE_MS, kinds)  # noqa: E731
    first, second = catalog.transact(claim), catalog.transact(claim)
    assert first is not None and first.operation_id == "o-2"
    assert second is None


def test_what_came_of_an_operation_comes_back(catalog: Catalog) -> None:
    add(catalog, an_operation("o-1", kind=OperationKind.BUILD_INDEX))
    claimed = claim(catalog, 0)
    assert claimed is not None
    done = replace(claimed, state=OperationState.SUCCEEDED, result={"recall": 0.5, "method": "é"})
    assert catalog.transact(lambda tx: tx.operations.finish(done, claimed.attempt))
    found = catalog.read(lambda tx: tx.operations.get(P, "o-1"))
    assert found is not None
    assert found.result == {"recall": 0.5, "method": "é"}
