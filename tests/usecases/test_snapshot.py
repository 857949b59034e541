"""A snapshot is one state of the pool, however much is remembered from the one before."""

from collections.abc import Callable
from typing import Any

import pytest

from alservice.domain import errors
from alservice.domain.label import Outcome
from alservice.domain.project import Project
from alservice.domain.segment import LINGER_MS
from alservice.ports.catalog import Tx
from alservice.usecases import snapshot as module
from alservice.usecases.open_pool import open_rows
from alservice.usecases.pool_masks import count_unset
from alservice.usecases.snapshot import Snapshot, Snapshots
from tests.rounds import Rounds, ids
from tests.sweeping import sweeper
from tests.usecases.conftest import Clock


def nothing(_tx: Tx, _project: Project) -> None:
    """No facts."""


@pytest.fixture
def snapshots(rounds: Rounds) -> Snapshots:
    made: Snapshots = rounds.wiring.make(Snapshots)
    return made


def closed_count(snapshot: Snapshot) -> int:
    """Rows that no strategy may choose."""
    return sum(
        opened.reader.rows
        - count_unset(
            snapshot.masks.masks[opened.segment.segment_id].closed(opened.deleted),
            opened.reader.rows,
        )
        for opened in snapshot.pool
    )


def test_it_shows_leases_that_run_and_this_annotators_refusals(
    rounds: Rounds, snapshots: Snapshots, clock: Clock
) -> None:
    leased = set(rounds.ask(3, lease_ms=60_000))
    rounds.answer("i1", None, outcome=Outcome.ABSTAIN, annotator_id="ada")
    rounds.answer("i2", None, outcome=Outcome.ABSTAIN, annotator_id="bob")
    seen, facts = snapshots.take("rounds", "ada", lambda tx, project: (tx.now_ms(), project.uid))
    assert {lease.item_id for lease in seen.leases} == leased - {"i1", "i2"}
    assert [item_id for item_id, _ in seen.abstained] == ["i1"]
    assert seen.project == rounds.project
    assert facts == (seen.now_ms, seen.project.uid)
    clock.advance(60_000)
    assert snapshots.take("rounds", "ada", nothing)[0].leases == []


def test_what_has_not_changed_is_shared_with_the_snapshot_before(
    rounds: Rounds, snapshots: Snapshots
) -> None:
    first, _ = snapshots.take("rounds", "ada", nothing)
    rounds.label(ids(4))
    second, _ = snapshots.take("rounds", "ada", nothing)
    assert second.pool is first.pool
    (segment_id,) = first.masks.masks
    assert second.masks.masks[segment_id].reserved is first.masks.masks[segment_id].reserved
    assert (closed_count(first), closed_count(second)) == (0, 4)
    rounds.pool.delete("i9")
    third, _ = snapshots.take("rounds", "ada", nothing)
    assert third.pool is not first.pool and closed_count(third) == 5


def test_a_project_made_anew_inherits_nothing(
    rounds: Rounds, snapshots: Snapshots, start: Callable[..., Rounds]
) -> None:
    rounds.label(ids(4))
    snapshots.take("rounds", "ada", nothing)
    rounds.catalog.transact(lambda tx: tx.projects.delete("rounds"))
    with pytest.raises(errors.ProjectNotFound):
        snapshots.take("rounds", "ada", nothing)
    start().add(ids(2))
    again, _ = snapshots.take("rounds", "ada", nothing)
    assert closed_count(again) == 0 and again.pool[0].reader.rows == 2


def test_an_older_reading_is_not_built_on_newer_memory(
    rounds: Rounds, snapshots: Snapshots
) -> None:
    """As when a slow thread opens what it read before a faster one went by."""
    reading = rounds.catalog.read(lambda tx: snapshots._read(tx, "rounds", "ada", nothing))
    rounds.label(ids(4))
    rounds.pool.delete("i9")
    newer, _ = snapshots.take("rounds", "ada", nothing)
    older = snapshots._open(reading)
    assert (closed_count(older), closed_count(newer)) == (0, 5)
    assert closed_count(snapshots.take("rounds", "ada", nothing)[0]) == 5


def test_an_older_read_does_not_build_on_what_is_newer(
    rounds: Rounds, snapshots: Snapshots
) -> None:
    def read(tx: Tx) -> object:
        assert tx.projects.get("rounds") is not None  # from here on this is what it sees
        rounds.label(ids(4))
        newer, _ = snapshots.take("rounds", "ada", nothing)
        assert closed_count(newer) == 4
        return snapshots._read(tx, "rounds", "ada", nothing)

    older = snapshots._open(rounds.catalog.read(read))  # type: ignore[arg-type]
    assert closed_count(older) == 0


def test_memory_is_bounded_and_only_memory(
    rounds: Rounds,
    snapshots: Snapshots,
    start: Callable[..., Rounds],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_MOST_PROJECTS", 2)
    rounds.label(ids(4))
    for name in ("a", "b", "c"):
        start(name).add(ids(3))
        snapshots.take(name, "ada", nothing)
    assert len(snapshots.kept) == 2
    assert closed_count(snapshots.take("rounds", "ada", nothing)[0]) == 4


def test_segments_that_were_merged_away_since_the_read_are_read_again(
    rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds.add(ids(5, 40))
    snapshots = Snapshots(rounds.catalog, rounds.store)
    opened = open_rows
    merged: list[int] = []

    def slow(rows: Any, store: Any) -> Any:
        if not merged:
            merged.append(rounds.pool.merge())
            raise errors.SegmentCorrupt("the file has gone", segment="s", project="rounds")
        return opened(rows, store)

    monkeypatch.setattr(module, "open_rows", slow)
    seen, _ = snapshots.take("rounds", "ada", nothing)
    assert [s.reader.rows for s in seen.pool] == [45] and merged == [2]


def test_what_is_really_broken_is_said_to_be_so(
    snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[object] = []

    def broken(*each: object) -> None:
        tried.append(each)
        raise errors.SegmentCorrupt("bad bytes", segment="s", project="rounds")

    monkeypatch.setattr(module, "open_rows", broken)
    with pytest.raises(errors.SegmentCorrupt):
        snapshots.take("rounds", "ada", nothing)
    with pytest.raises(errors.SegmentCorrupt):
        snapshots.pool("rounds")
    assert len(tried) == 2  # to fetch it again and again from far away helps nobody


def test_segments_in_memory_are_bounded_and_the_latest_projects_stay(
    rounds: Rounds,
    snapshots: Snapshots,
    start: Callable[..., Rounds],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_MOST_SEGMENTS", 3)
    made = {}
    for name in ("a", "b", "c"):
        made[name] = start(name)
        made[name].add(ids(3))
        snapshots.take(name, "ada", nothing)
    snapshots.take("a", "ada", nothing)
    made["c"].add(ids(3, 3))
    snapshots.take("c", "ada", nothing)
    assert [each.pool[0].segment.project_id for each in snapshots.kept.values()] == ["a", "c"]
    for first in (40, 43, 46, 49):
        rounds.add(ids(3, first))
    snapshots.take("rounds", "ada", nothing)
    assert [len(each.pool) for each in snapshots.kept.values()] == [5]
    assert [snapshots.forget_oldest() for _ in range(2)] == [True, False]


def test_what_is_merged_away_or_deleted_is_let_go(
    rounds: Rounds, snapshots: Snapshots, start: Callable[..., Rounds], clock: Clock
) -> None:
    start("other").add(ids(3))
    start("stays").add(ids(3))
    rounds.add(ids(5, 40))
    for name in ("rounds", "other", "stays"):
        snapshots.take(name, "ada", nothing)
    rounds.pool.merge()
    rounds.catalog.transact(lambda tx: tx.projects.delete("other"))
    clock.advance(LINGER_MS)
    sweeper(rounds.catalog, rounds.store)()
    snapshots.forget_gone()
    assert [each.pool[0].segment.project_id for each in snapshots.kept.values()] == ["stays"]
    assert closed_count(snapshots.take("rounds", "ada", nothing)[0]) == 0
