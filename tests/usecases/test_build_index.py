"""An index is asked for once, however often it is asked for."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from alservice.domain import errors
from alservice.domain.operation import OperationKind, OperationState
from alservice.domain.project import VectorSpace
from alservice.index import BackgroundIndexing
from alservice.index.ways import Limits
from alservice.ports.neighbours import PoolIndexing
from alservice.usecases.build_index import BuildIndex, BuildIndexCommand
from alservice.usecases.cancel_operation import CancelOperation, CancelOperationCommand
from alservice.usecases.delete_operation import DeleteOperation, DeleteOperationCommand
from tests.rounds import Rounds, a_call, ids
from tests.usecases.indexes import ask, build, damage, live, look, run


def test_an_operation_waits_for_a_worker(rounds: Rounds) -> None:
    operation = ask(rounds)
    assert (operation.kind, operation.state) == (OperationKind.BUILD_INDEX, OperationState.QUEUED)
    assert operation.request["neighbour_count"] == 16
    assert rounds.operation(operation.operation_id) == operation


def test_a_build_that_waits_is_joined_if_it_asks_for_the_same(rounds: Rounds) -> None:
    first = ask(rounds)
    rounds.add(ids(3, 40))
    assert ask(rounds).operation_id == first.operation_id
    assert ask(rounds, neighbour_count=5).operation_id != first.operation_id


def test_a_build_that_runs_is_joined_unless_the_pool_has_changed(rounds: Rounds) -> None:
    first = ask(rounds)
    rounds.claim()
    assert ask(rounds).operation_id == first.operation_id
    rounds.add(ids(3, 40))
    assert ask(rounds).operation_id != first.operation_id


def test_a_build_that_is_being_cancelled_is_not_joined(rounds: Rounds) -> None:
    first = ask(rounds)
    rounds.claim()
    command = CancelOperationCommand("rounds", first.operation_id)
    rounds.wiring.make(CancelOperation)(a_call(), command)
    assert ask(rounds).operation_id != first.operation_id


def test_with_nothing_new_the_index_there_is_comes_back_unless_forced(rounds: Rounds) -> None:
    done = build(rounds)
    assert done.state is OperationState.SUCCEEDED
    assert ask(rounds) == done
    rounds.pool.delete("i3")
    assert ask(rounds) == done
    assert ask(rounds, neighbour_count=3).state is OperationState.QUEUED
    assert ask(rounds, force=True).state is OperationState.QUEUED


def test_a_pool_that_has_grown_is_indexed_anew(rounds: Rounds) -> None:
    done = build(rounds)
    rounds.add(ids(3, 40))
    assert ask(rounds).operation_id != done.operation_id


def test_an_index_whose_operation_was_deleted_is_still_told_of(rounds: Rounds) -> None:
    done = build(rounds)
    command = DeleteOperationCommand("rounds", done.operation_id)
    rounds.wiring.make(DeleteOperation)(a_call(), command)
    again = ask(rounds)
    assert (again.state, again.result) == (OperationState.SUCCEEDED, done.result)


def test_a_repeated_request_gets_the_same_operation(rounds: Rounds) -> None:
    first = ask(rounds, request_id="r1", force=True)
    rounds.claim()
    rounds.add(ids(3, 40))
    assert ask(rounds, request_id="r1", force=True).operation_id == first.operation_id


@pytest.mark.parametrize("count", [-1, 65])
def test_a_strange_number_of_neighbours_is_refused(rounds: Rounds, count: int) -> None:
    with pytest.raises(errors.InvalidField, match="1 to 64"):
        ask(rounds, neighbour_count=count)


def test_a_project_without_items_or_vectors_is_refused(start: Callable[..., Rounds]) -> None:
    with pytest.raises(errors.PoolEmpty):
        ask(start("empty"))
    with pytest.raises(errors.VectorsMissing):
        ask(start("bare", space=VectorSpace(dimension=0)))


def test_an_unknown_project_is_named(rounds: Rounds) -> None:
    rounds.catalog.transact(lambda tx: tx.projects.delete("rounds"))
    with pytest.raises(errors.ProjectNotFound):
        ask(rounds)


def test_a_forced_build_does_not_join_one_that_may_find_nothing_new(rounds: Rounds) -> None:
    build(rounds)
    rounds.add(ids(3, 40))
    unforced = ask(rounds)
    forced = ask(rounds, force=True)
    assert forced.operation_id != unforced.operation_id
    assert ask(rounds, force=True).operation_id == forced.operation_id
    assert ask(rounds).operation_id in {unforced.operation_id, forced.operation_id}


def test_an_index_whose_file_is_damaged_is_built_again_without_force(rounds: Rounds) -> None:
    build(rounds)
    old = live(rounds)
    damage(rounds)
    asked = ask(rounds)
    assert asked.state is OperationState.QUEUED
    run(rounds, rounds.claim())
    new = live(rounds)
    assert old is not None and new is not None and new.artefact_id != old.artefact_id
    index, note = look(rounds)
    assert index is not None and note == ""


def test_an_index_that_would_not_fit_is_refused_at_once(rounds: Rounds) -> None:
    use_case: BuildIndex = rounds.wiring.make(BuildIndex)
    indexing = rounds.wiring.make(PoolIndexing)
    assert isinstance(indexing, BackgroundIndexing)
    small = replace(use_case, indexing=replace(indexing, limits=Limits(build_bytes=100)))
    with pytest.raises(errors.IndexTooLarge):
        small(a_call(), BuildIndexCommand(project_id="rounds"))
    found = rounds.catalog.read(
        lambda tx: tx.operations.unfinished("rounds", OperationKind.BUILD_INDEX)
    )
    assert list(found) == []
