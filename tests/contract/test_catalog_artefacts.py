"""Artefacts: reserved, live, dead; the newest of the newest pool is the one to use."""

from dataclasses import replace

from alservice.domain.artefact import Artefact, ArtefactState
from alservice.ports.catalog import Catalog, Tx
from tests.contract.catalog_rows import P, a_project, an_artefact

FULL = an_artefact(
    "x-1",
    segment_ids=("s-2", "s-1"),
    facts={"recall": 0.98, "item_count": 7, "method": "exact"},
    revision=2**40,
    size_bytes=2**40,
    crc32c=2**32 - 1,
    create_time_ms=5,
    expire_time_ms=77,
)


def add(catalog: Catalog, *artefacts: Artefact) -> None:
    def work(tx: Tx) -> None:
        for artefact in artefacts:
            tx.artefacts.store(artefact)

    catalog.transact(work)


def state(catalog: Catalog, artefact_id: str) -> ArtefactState | None:
    row = catalog.read(lambda tx: tx.artefacts.get(artefact_id))
    return None if row is None else row.state


def test_every_field_of_an_artefact_comes_back(catalog: Catalog) -> None:
    add(catalog, FULL)
    assert catalog.read(lambda tx: tx.artefacts.get("x-1")) == FULL
    assert catalog.read(lambda tx: tx.artefacts.get("x-2")) is None
    changed = replace(FULL, state=ArtefactState.DEAD, facts={}, expire_time_ms=None)
    add(catalog, changed)
    assert catalog.read(lambda tx: tx.artefacts.get("x-1")) == changed


def test_the_live_one_is_of_the_newest_pool_then_the_newest(catalog: Catalog) -> None:
    assert catalog.read(lambda tx: tx.artefacts.live(P)) is None
    add(
        catalog,
        an_artefact("x-1", revision=3, create_time_ms=9),
        an_artefact("x-2", revision=4, create_time_ms=1),
        an_artefact("x-3", revision=4, create_time_ms=2),
        an_artefact("x-4", revision=9, state=ArtefactState.WRITING),
        an_artefact("x-5", revision=9, state=ArtefactState.DEAD),
        an_artefact("x-6", revision=9, project_id="other"),
    )
    live = catalog.read(lambda tx: tx.artefacts.live(P))
    assert live is not None
    assert live.artefact_id == "x-3"


def test_only_the_live_ones_of_a_project_retire(catalog: Catalog) -> None:
    add(
        catalog,
        an_artefact("x-1"),
        an_artefact("x-2", state=ArtefactState.WRITING),
        an_artefact("x-3", project_id="other"),
    )
    catalog.transact(lambda tx: tx.artefacts.retire(P, 100))
    assert catalog.transact(lambda tx: tx.artefacts.expire(99)) == []
    (gone,) = catalog.transact(lambda tx: tx.artefacts.expire(100))
    assert gone.artefact_id == "x-1"
    assert state(catalog, "x-1") is ArtefactState.DEAD
    assert state(catalog, "x-2") is ArtefactState.WRITING
    assert state(catalog, "x-3") is ArtefactState.LIVE


def test_reservations_that_ran_out_die_and_the_dead_are_told_until_forgotten(
    catalog: Catalog,
) -> None:
    writing = ArtefactState.WRITING
    add(
        catalog,
        an_artefact("late", state=writing, expire_time_ms=100),
        an_artefact("early", state=writing, expire_time_ms=101),
        an_artefact("live", expire_time_ms=1),
        an_artefact("dead", state=ArtefactState.DEAD),
        an_artefact("lingers", state=ArtefactState.DEAD, expire_time_ms=101),
    )
    for _ in range(2):
        dead = catalog.transact(lambda tx: tx.artefacts.expire(100))
        assert {(a.artefact_id, a.state) for a in dead} == {
            ("late", ArtefactState.DEAD),
            ("dead", ArtefactState.DEAD),
        }

    def forget(tx: Tx) -> None:
        for artefact_id in ("late", "dead", "live", "early", "lingers"):
            tx.artefacts.forget(artefact_id)

    catalog.transact(forget)
    assert catalog.transact(lambda tx: tx.artefacts.expire(100)) == []
    assert catalog.read(lambda tx: tx.artefacts.all_ids()) == ["early", "live"]


def test_what_nobody_writes_any_more_is_dead(catalog: Catalog) -> None:
    add(catalog, an_artefact("x-1", state=ArtefactState.WRITING), an_artefact("x-2"))
    assert catalog.transact(lambda tx: tx.artefacts.disown()) == 1
    assert state(catalog, "x-1") is ArtefactState.DEAD
    assert state(catalog, "x-2") is ArtefactState.LIVE


def test_a_project_that_is_deleted_leaves_its_artefacts_to_the_sweeper(catalog: Catalog) -> None:
    catalog.transact(lambda tx: tx.projects.insert(a_project("other")))
    add(catalog, an_artefact("x-1"), an_artefact("x-2", project_id="other"))
    catalog.transact(lambda tx: tx.projects.delete(P))
    assert state(catalog, "x-1") is ArtefactState.DEAD
    assert state(catalog, "x-2") is ArtefactState.LIVE
