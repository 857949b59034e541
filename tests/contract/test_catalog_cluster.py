"""The one row that a catalog has about itself."""

from dataclasses import replace

from alservice.domain.cluster import KEPT
from alservice.ports.catalog import Catalog
from tests.contract.catalog_makers import Open


def test_a_new_catalog_has_a_name_and_nothing_else(empty: Catalog) -> None:
    cluster = empty.read(lambda tx: tx.cluster.get())
    assert len(cluster.uid) == 32
    assert (cluster.place, cluster.turns, cluster.database) == ("", (), "")
    assert cluster.address == ""


def test_what_is_stored_comes_back_for_ever(reopen: Open) -> None:
    before = reopen().read(lambda tx: tx.cluster.get())
    changed = replace(before, place="here", turns=("a", "b"), database="1.2", address="s3://b/p")
    reopen().transact(lambda tx: tx.cluster.store(changed))
    assert reopen().read(lambda tx: tx.cluster.get()) == changed
    assert reopen().transact(lambda tx: tx.cluster.get()) == changed


def test_the_database_is_the_same_at_each_start(reopen: Open) -> None:
    assert len({reopen().read(lambda tx: tx.cluster.database()) for _ in range(2)}) == 1


def test_the_latest_turns_are_remembered(empty: Catalog) -> None:
    cluster = empty.read(lambda tx: tx.cluster.get())
    for number in range(KEPT + 3):
        cluster = replace(cluster, turns=cluster.with_turn(str(number)))
    assert cluster.turns == tuple(map(str, range(3, KEPT + 3)))
