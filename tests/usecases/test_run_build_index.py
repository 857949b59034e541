"""An index is published whole, by whoever still owns the work, or not at all."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from alservice.core import CancelFlag
from alservice.core import Cancelled as KernelCancelled
from alservice.domain import errors
from alservice.domain.artefact import ArtefactState
from alservice.domain.operation import OperationState
from alservice.domain.segment import LINGER_MS
from alservice.storage.artefacts import LocalArtefactStore
from alservice.usecases.sweep_artefacts import SweepArtefacts
from alservice.usecases.sweep_files import Swept
from tests.rounds import Rounds, ids, items, vectors_of
from tests.usecases.conftest import Clock
from tests.usecases.indexes import ask, build, files, live, look, run


def test_an_index_is_published_and_its_operation_done(rounds: Rounds) -> None:
    rounds.add(ids(5, 40))
    done = build(rounds, neighbour_count=4)
    row = live(rounds)
    assert row is not None and row.facts == done.result
    assert (done.state, done.progress) == (OperationState.SUCCEEDED, 1.0)
    assert {k: row.facts[k] for k in ("item_count", "neighbour_count", "recall", "method")} == {
        "item_count": 45,
        "neighbour_count": 4,
        "recall": 1.0,
        "method": "exact",
    }
    assert row.facts["cluster_count"] == 8 and row.facts["near_duplicate_count"] == 0
    assert row.facts["size_bytes"] == row.size_bytes > 0
    assert row.facts["artefact_id"] == row.artefact_id
    assert files(rounds) == [row.artefact_id]


def test_it_holds_what_a_look_at_all_pairs_finds(rounds: Rounds) -> None:
    build(rounds, neighbour_count=3)
    index, note = look(rounds)
    assert index is not None and note == ""
    vectors = vectors_of(ids(40)).astype(np.float64)
    apart = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    np.testing.assert_allclose(index.distances, np.sort(apart, axis=1)[:, :3], rtol=1e-5)
    near = np.linalg.norm(vectors[:, None] - index.centres[None], axis=2)
    np.testing.assert_allclose(
        near[np.arange(40), index.cluster], near.min(axis=1), rtol=1e-5, atol=1e-6
    )
    assert index.duplicate_of.tolist() == list(range(40))
    assert index.offsets.tolist() == [0, 40]


def test_equal_items_are_near_duplicates_of_the_first(rounds: Rounds) -> None:
    twins = np.repeat(vectors_of(ids(2)), 3, axis=0)
    rounds.pool.add(replace(items(ids(6, 40)), vectors=twins))
    done = build(rounds)
    index, _ = look(rounds)
    assert index is not None
    assert index.duplicate_of[40:].tolist() == [0, 0, 0, 1, 1, 1]
    assert done.result["near_duplicate_count"] == 6


def test_a_newer_index_supersedes_the_older_which_the_sweeper_removes(
    rounds: Rounds, clock: Clock
) -> None:
    build(rounds)
    old = live(rounds)
    rounds.add(ids(3, 40))
    build(rounds)
    new = live(rounds)
    assert old is not None and new is not None and new.artefact_id != old.artefact_id
    assert sorted(files(rounds)) == sorted([old.artefact_id, new.artefact_id])
    assert rounds.wiring.make(SweepArtefacts)() == Swept(0, 0)  # others may yet open it
    clock.advance(LINGER_MS)
    assert rounds.wiring.make(SweepArtefacts)() == Swept(1, 0)
    assert files(rounds) == [new.artefact_id]


def test_an_index_of_an_older_pool_does_not_replace_a_newer_one(rounds: Rounds) -> None:
    slow = ask(rounds)
    claimed = rounds.claim()

    def be_overtaken(_share: float, stage: str) -> None:
        if stage == "writing" and not files(rounds):
            rounds.add(ids(3, 40))
            build(rounds, force=True)

    run(rounds, claimed, be_overtaken)
    row = live(rounds)
    assert row is not None and row.facts["item_count"] == 43
    done = rounds.operation(slow.operation_id)
    assert (done.state, done.result) == (OperationState.SUCCEEDED, row.facts)


def test_what_another_build_has_made_meanwhile_is_not_made_again(rounds: Rounds) -> None:
    first = ask(rounds)
    claimed = rounds.claim()
    rounds.pool.delete("i3")
    second = ask(rounds)
    assert second.operation_id != first.operation_id
    run(rounds, claimed)
    run(rounds, rounds.claim())
    ends = [rounds.operation(each.operation_id) for each in (first, second)]
    assert ends[0].result == ends[1].result and ends[1].state is OperationState.SUCCEEDED
    assert len(files(rounds)) == 1


def test_whoever_lost_the_work_publishes_nothing(rounds: Rounds, clock: Clock) -> None:
    asked = ask(rounds)
    claimed = rounds.claim()

    def be_robbed(_share: float, stage: str) -> None:
        if stage == "writing":
            clock.advance(60_000)
            rounds.claim("another worker")

    with pytest.raises(errors.Conflict):
        run(rounds, claimed, be_robbed)
    assert live(rounds) is None and files(rounds) == []
    assert rounds.operation(asked.operation_id).state is OperationState.RUNNING


def test_a_project_that_was_deleted_meanwhile_gets_no_index(rounds: Rounds) -> None:
    ask(rounds)
    claimed = rounds.claim()

    def delete(_share: float, stage: str) -> None:
        if stage == "writing":
            rounds.catalog.transact(lambda tx: tx.projects.delete("rounds"))

    with pytest.raises(errors.Conflict, match="project was deleted"):
        run(rounds, claimed, delete)
    assert live(rounds) is None and files(rounds) == []
    with pytest.raises(errors.ProjectNotFound):
        run(rounds, claimed)


def test_a_cancelled_build_leaves_nothing_behind(rounds: Rounds) -> None:
    ask(rounds)
    cancel = CancelFlag()
    cancel.cancel()
    with pytest.raises(KernelCancelled):
        run(rounds, rounds.claim(), cancel=cancel)
    assert rounds.catalog.read(lambda tx: tx.artefacts.all_ids()) == []


def test_a_full_disk_leaves_nothing_behind(
    rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise errors.DiskFull("no room")

    ask(rounds)
    monkeypatch.setattr(LocalArtefactStore, "write", full)
    with pytest.raises(errors.DiskFull):
        run(rounds, rounds.claim())
    states = rounds.catalog.transact(lambda tx: tx.artefacts.expire(0))
    assert [row.state for row in states] == [ArtefactState.DEAD]
    assert live(rounds) is None


def test_what_was_swept_while_it_was_written_is_not_published(
    rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = LocalArtefactStore.write

    def swept(store: LocalArtefactStore, artefact_id: str, arrays: Any) -> Any:
        sealed = write(store, artefact_id, arrays)
        rounds.catalog.transact(lambda tx: tx.artefacts.disown())
        return sealed

    ask(rounds)
    monkeypatch.setattr(LocalArtefactStore, "write", swept)
    with pytest.raises(errors.Conflict, match="expired"):
        run(rounds, rounds.claim())
    assert live(rounds) is None


def test_progress_is_told_and_only_grows(rounds: Rounds) -> None:
    told: list[tuple[float, str]] = []
    ask(rounds)
    run(rounds, rounds.claim(), lambda *words: told.append(words))
    shares = [share for share, _ in told]
    assert shares == sorted(shares) and shares[0] >= 0 and shares[-1] < 1
    assert {"opening the pool", "writing"} < {stage for _, stage in told}
