"""An index is used while the pool has exactly its segments, whatever their order."""

import gc
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import numpy as np
import pytest

from alservice.domain.artefact import Artefact
from alservice.domain.pool_index import PoolIndex
from alservice.domain.segment import LINGER_MS
from alservice.ports.artefacts import Arrays
from alservice.storage.artefacts import LocalArtefactStore
from alservice.usecases import pool_index as module
from alservice.usecases.pool_index import DAMAGED, NONE_YET, STALE, IndexOf
from alservice.usecases.snapshot import Snapshots
from alservice.usecases.sweep_artefacts import SweepArtefacts
from tests.rounds import Rounds, ids
from tests.usecases.conftest import Clock
from tests.usecases.indexes import build, damage, live, look
from tests.usecases.items import small_files


def names(rounds: Rounds) -> list[str]:
    """The ids of all rows, in the order of the snapshot's blocks."""
    pool = rounds.wiring.make(Snapshots).pool(rounds.project_id)
    return [
        name for opened in pool for name in opened.reader.item_ids(np.arange(opened.reader.rows))
    ]


def told(rounds: Rounds, index: PoolIndex) -> dict[str, object]:
    """What the index says of each item, in words that do not depend on the order of rows."""
    named = names(rounds)
    return {
        name: (
            [named[number] if number >= 0 else "" for number in index.neighbours[row]],
            index.distances[row].tolist(),
            index.centres[index.cluster[row]].tolist(),
            named[index.duplicate_of[row]],
        )
        for row, name in enumerate(named)
    }


def test_without_an_index_people_are_told_how_to_get_one(rounds: Rounds) -> None:
    assert look(rounds) == (None, NONE_YET)


def test_an_index_is_mapped_once(rounds: Rounds) -> None:
    build(rounds)
    (first, _), (second, _) = look(rounds), look(rounds)
    assert first is second is not None
    row = live(rounds)
    assert row is not None and first is not None
    assert first.artefact_id == row.artefact_id


def test_items_that_came_make_it_stale(rounds: Rounds) -> None:
    build(rounds)
    rounds.add(ids(3, 40))
    assert look(rounds) == (None, STALE)
    build(rounds)
    assert look(rounds)[0] is not None


def test_a_merge_makes_it_stale(rounds: Rounds) -> None:
    with small_files():
        rounds.add(ids(5, 40))
    build(rounds)
    rounds.pool.merge()
    assert look(rounds) == (None, STALE)


def test_a_deletion_moves_blocks_and_the_index_follows(rounds: Rounds) -> None:
    rounds.add(ids(7, 40))
    rounds.add(ids(4, 50))
    build(rounds, neighbour_count=60)  # more than there are: some have none
    before, order = look(rounds)[0], names(rounds)
    assert before is not None
    said = told(rounds, before)
    rounds.pool.delete("i41", "i3")
    after, note = look(rounds)
    assert after is not None and note == "" and names(rounds) != order
    assert told(rounds, after) == said
    sizes = [opened.segment.rows for opened in rounds.wiring.make(Snapshots).pool("rounds")]
    assert np.diff(after.offsets).tolist() == sizes
    assert look(rounds)[0] is after


def test_a_damaged_file_is_told_and_query_goes_on_without(rounds: Rounds) -> None:
    build(rounds)
    damage(rounds)
    assert look(rounds) == (None, DAMAGED)


def test_a_file_that_was_swept_meanwhile_is_replaced_by_the_newer_one(
    rounds: Rounds, clock: Clock
) -> None:
    build(rounds)
    old = live(rounds)
    index_of: IndexOf = rounds.wiring.make(IndexOf)
    snapshot, _ = rounds.wiring.make(Snapshots).take("rounds", "", lambda *_: None)
    read, rows = index_of.catalog.read, []

    def late(work: object) -> object:
        """The first read still sees the old one."""
        rows.append(1)
        if len(rows) == 1:
            build(rounds, force=True)
            clock.advance(LINGER_MS)
            rounds.wiring.make(SweepArtefacts)()
            return old
        return read(work)  # type: ignore[arg-type]

    object.__setattr__(index_of, "catalog", type("Late", (), {"read": staticmethod(late)})())
    index, note = index_of(snapshot)
    new = live(rounds)
    assert index is not None and new is not None and note == ""
    assert index.artefact_id == new.artefact_id != (old and old.artefact_id)


def test_a_project_has_one_index_in_memory_however_often_it_changes(rounds: Rounds) -> None:
    index_of: IndexOf = rounds.wiring.make(IndexOf)
    rounds.add(ids(7, 40))
    build(rounds)
    seen = [weakref.ref(_found(rounds).distances)]
    for gone in ("i41", "i3", "i42"):
        rounds.pool.delete(gone)
        seen.append(weakref.ref(_found(rounds).distances))
    build(rounds, force=True)
    seen.append(weakref.ref(_found(rounds).distances))
    gc.collect()
    assert len(index_of.kept) == 1
    assert [each() is not None for each in seen] == [False] * (len(seen) - 1) + [True]


def test_first_queries_at_once_make_one_index(
    rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds.add(ids(7, 40))
    build(rounds)
    rounds.pool.delete("i3")
    opened, began = [], Barrier(4)
    read = LocalArtefactStore.open

    def counted(store: LocalArtefactStore, artefact: Artefact) -> Arrays:
        opened.append(artefact)
        Event().wait(0.01)  # the others come meanwhile
        return read(store, artefact)

    def first(_: int) -> PoolIndex:
        began.wait()
        return _found(rounds)

    monkeypatch.setattr(LocalArtefactStore, "open", counted)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(first, range(4)))
    assert len({id(index) for index in found}) == len(opened) == 1


def test_indexes_that_are_gone_are_let_go(rounds: Rounds) -> None:
    index_of: IndexOf = rounds.wiring.make(IndexOf)
    build(rounds)
    _found(rounds)
    index_of.forget_gone()
    assert list(index_of.kept) == ["rounds"]
    rounds.catalog.transact(lambda tx: tx.projects.delete("rounds"))
    index_of.forget_gone()
    assert not index_of.kept


def test_only_the_projects_used_last_keep_theirs(
    start: Callable[..., Rounds], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_PROJECTS", 2)
    projects = [start(name) for name in ("one", "two", "three")]
    index_of: IndexOf = projects[0].wiring.make(IndexOf)
    for each in projects:
        each.add(ids(5))
        build(each)
        snapshot, _ = each.wiring.make(Snapshots).take(each.project_id, "", lambda *_: None)
        assert index_of(snapshot)[0] is not None
    assert list(index_of.kept) == ["two", "three"]
    assert [index_of.forget_oldest() for _ in range(3)] == [True, True, False]


def _found(rounds: Rounds) -> PoolIndex:
    index, _ = look(rounds)
    assert index is not None
    return index
