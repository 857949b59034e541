"""Which life of an id is in the pool, and which ids have only been there."""

import pytest

from alservice.domain import errors
from alservice.usecases.find_lives import FindLives
from tests.rounds import Rounds


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


def test_a_missing_project_is_said_to_be_missing(rounds: Rounds) -> None:
    with pytest.raises(errors.ProjectNotFound):
        rounds.wiring.make(FindLives)("elsewhere", ["i0"])
