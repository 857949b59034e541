"""Which life of an id is in the pool, and which ids have only been there."""

from collections.abc import Callable

import pytest

from alservice.domain import errors
from alservice.domain.item import Role
from alservice.usecases.find_lives import FindLives
from tests.rounds import Rounds, ids


def test_ids_are_alive_deleted_or_unknown(rounds: Rounds) -> None:
    find: FindLives = rounds.wiring.make(FindLives)
    rounds.pool.delete("i1", "i2")
    rounds.add(["i2"])
    lives = find("rounds", ["i0", "i0", "i1", "i2", "x"]).lives
    assert {name: life.incarnation for name, life in lives.alive.items()} == {"i0": 1, "i2": 2}
    assert lives.deleted == {"i1"}
    version = rounds.catalog.read(lambda tx: tx.segments.pool_version("rounds"))
    assert lives.version == version


def test_the_version_changes_with_every_change_of_the_pool(rounds: Rounds) -> None:
    find: FindLives = rounds.wiring.make(FindLives)
    versions = [find("rounds", []).lives.version]
    for change in (
        lambda: rounds.add(["i50"]),
        lambda: rounds.pool.delete("i1"),
        lambda: rounds.pool.regroup("i3", group="g"),
        rounds.pool.merge,
    ):
        change()
        versions.append(find("rounds", []).lives.version)
    assert len(set(versions)) == 5
    rounds.label(["i4"])
    assert find("rounds", []).lives.version == versions[-1]


def test_a_search_made_sure_of_in_a_transaction_sees_what_has_happened_since(
    rounds: Rounds,
) -> None:
    search = rounds.wiring.make(FindLives)("rounds", ["i0", "i1", "i2"])
    assert set(search.lives.alive) == {"i0", "i1", "i2"}
    rounds.pool.delete("i0", "i1")
    rounds.add(["i1"])
    rounds.pool.merge()
    again = rounds.catalog.read(lambda tx: search.again(tx, rounds.project))
    assert {name: life.incarnation for name, life in again.alive.items()} == {"i1": 2, "i2": 1}
    assert rounds.catalog.read(lambda tx: search.again(tx, rounds.project)) is again


def test_a_life_knows_whether_it_trains_and_whether_it_measures(
    start: Callable[..., Rounds],
) -> None:
    rounds = start(reserve_share=0.3)
    rounds.add(ids(20))
    rounds.add(ids(5, 20), role=Role.TEST)
    rounds.add(ids(5, 25), role=Role.GOLD)
    alive = rounds.wiring.make(FindLives)("rounds", ids(30)).lives.alive
    assert {i for i, life in alive.items() if life.trains} == set(ids(20))
    measuring = {i for i in ids(25) if alive[i].measures}
    assert measuring == rounds.reserved() | set(ids(5, 20))


def test_a_missing_project_is_said_to_be_missing(rounds: Rounds) -> None:
    with pytest.raises(errors.ProjectNotFound):
        rounds.wiring.make(FindLives)("elsewhere", ["i0"])
