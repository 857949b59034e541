"""A catalog and the place of its files belong together: checked before anything is served.

Two clusters on one place would sweep each other's files as strays; a catalog on the wrong place
would call all of its segments lost; two copies of one catalog would each remove what the other
needs.
"""

import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from alservice.domain.cluster import Cluster
from alservice.domain.startup import StartupError
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.places import FilePlace

_PAGE: Final = 1000
_NAMED: Final = 3
_TAKE_OVER: Final = (
    "give this one a copy of the files as a place of its own (docs/operations.md, restore), and "
    "hand that to it, once: `alservice adopt` with the same settings. Hand it the other one's "
    "place only if that one will never run again"
)


def claim_place(catalog: Catalog, place: FilePlace) -> None:
    """Mark a new place, or see that it is ours. Safe with any number of replicas at once.

    Raises StartupError where the place is another cluster's, lacks what the catalog names, is not
    the one that other replicas of the same catalog use, or is held by another copy of the catalog.
    """
    holder = place.holder()  # before the catalog, which learns of each turn first
    cluster, database = catalog.read(lambda tx: (tx.cluster.get(), tx.cluster.database()))
    mark = place.mark()
    # First: what is another cluster's is no copy of ours.
    here = None if mark is None else place_id(mark, cluster, place)
    _refuse_copy(cluster, database, holder, place)
    if here is None:
        if cluster.place:
            raise _elsewhere(cluster, place)
        require_files(catalog, place)
        _refuse_files_of_others(catalog, place)
        mark = place.set_mark(f"{cluster.uid} {secrets.token_hex(8)}")
        here = place_id(mark, cluster, place)
    if not cluster.place or cluster.database != database or cluster.address != place.address:
        cluster = catalog.transact(lambda tx: _settled(tx, here, database, place.address))
    if cluster.place != here:
        raise _elsewhere(cluster, place)


def place_id(mark: str, cluster: Cluster, place: FilePlace) -> str:
    """The id of the place in its mark. Raises StartupError for the mark of another cluster."""
    owner, _, here = mark.partition(" ")
    if owner != cluster.uid:
        text = (
            f"{place.address} belongs to cluster {owner}, and this catalog to cluster "
            f"{cluster.uid}: name the catalog that was used with it, or another place (a new "
            "prefix is enough)"
        )
        raise StartupError(text)
    return here


def require_files(catalog: Catalog, place: FilePlace) -> None:
    """Nothing, if what the catalog names is there. Raises StartupError."""
    live = catalog.read(lambda tx: set(_live(tx)))
    if missing := sorted(live - place.segment_ids()):
        text = (
            f"the catalog names {len(live)} segments, of which {len(missing)} are not in "
            f"{place.address} ({', '.join(missing[:_NAMED])}): name the place where they are, or "
            "copy its folders segments and artefacts there first"
        )
        raise StartupError(text)


def held_by_another(cluster: Cluster, place: FilePlace) -> str:
    """What is wrong where the catalog does not know the place's holder."""
    known = cluster.address not in ("", place.address)
    last = f"; it was last used with {cluster.address}" if known else ""
    return (
        f"{place.address} is held by another copy of this catalog: this one was restored from a "
        f"backup, or is a clone, and has not seen what the other one did since{last}; {_TAKE_OVER}"
    )


def _refuse_copy(cluster: Cluster, database: str, holder: str | None, place: FilePlace) -> None:
    if holder is not None and holder not in cluster.turns:
        raise StartupError(held_by_another(cluster, place))
    if cluster.database and database and cluster.database != database:
        text = (
            "this database is a copy of the one that the files belong to (restored, cloned or "
            f"moved to another server), and that one may still be in use; {_TAKE_OVER}"
        )
        raise StartupError(text)


def _settled(tx: Tx, here: str, database: str, address: str) -> Cluster:
    """The cluster with what its first start decides, and how its place is called now."""
    cluster = tx.cluster.get()
    settled = replace(cluster, place=cluster.place or here, database=cluster.database or database)
    if settled.place == here:
        settled = replace(settled, address=address)
    if settled != cluster:
        tx.cluster.store(settled)
    return settled


def _elsewhere(cluster: Cluster, place: FilePlace) -> StartupError:
    before = f", {cluster.address}" if cluster.address else ""
    if cluster.address == place.address:
        before = " by the same name (is a disk or a share not mounted?)"
    text = (
        f"the files of this catalog are not in {place.address} but in the place that was used "
        f"before{before}: name that one (all replicas share it: see --objects), or copy its "
        "folders segments and artefacts and its mark, cluster, there first"
    )
    return StartupError(text)


def _refuse_files_of_others(catalog: Catalog, place: FilePlace) -> None:
    there = place.segment_ids()
    if there and not there & set(catalog.read(lambda tx: tx.segments.all_ids())):
        text = (
            f"{place.address} holds {len(there)} segments that this catalog does not know: name "
            "the catalog that was used with it, or an empty place (a new prefix is enough)"
        )
        raise StartupError(text)


def _live(tx: Tx) -> Iterator[str]:
    """Ids of the live segments that are files."""
    after = ""
    while page := tx.projects.page(after, _PAGE):
        for project in page:
            live = tx.segments.live(project.project_id)
            yield from (segment.segment_id for segment in live if not segment.inline)
        after = page[-1].project_id
