"""A catalog and the place of its files belong together: checked before anything is served.

Two clusters on one place would sweep each other's files as strays; a catalog on the wrong place
would call all of its segments lost.
"""

import secrets
from collections.abc import Iterator
from typing import Final

from alservice.domain.startup import StartupError
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.places import FilePlace

_PAGE: Final = 1000
_NAMED: Final = 3


def claim_place(catalog: Catalog, place: FilePlace) -> None:
    """Mark a new place, or see that it is ours. Safe with any number of replicas at once.

    Raises StartupError where the place is another cluster's, lacks what the catalog names, or is
    not the one that other replicas of the same catalog use.
    """
    uid, settled = catalog.read(lambda tx: (tx.cluster.uid(), tx.cluster.place()))
    mark = place.mark()
    if mark is None:
        if settled is not None:
            raise _elsewhere(place)
        _require_ours(catalog, place)
        mark = place.set_mark(f"{uid} {secrets.token_hex(8)}")
    owner, _, here = mark.partition(" ")
    if owner != uid:
        text = (
            f"{place.address} belongs to cluster {owner}, and this catalog to cluster {uid}: "
            "name the catalog that was used with it, or another place (a new prefix is enough)"
        )
        raise StartupError(text)
    if (settled or catalog.transact(lambda tx: tx.cluster.settle(here))) != here:
        raise _elsewhere(place)


def _elsewhere(place: FilePlace) -> StartupError:
    text = (
        f"the files of this catalog are not in {place.address} but in the place that was used "
        "before: name that one (all replicas share it: see --objects), or copy its folders "
        "segments and artefacts and its mark, cluster, there first"
    )
    return StartupError(text)


def _require_ours(catalog: Catalog, place: FilePlace) -> None:
    """Nobody has marked the place: so it must be empty, or hold what the catalog names."""
    live, known = catalog.read(lambda tx: (set(_live(tx)), set(tx.segments.all_ids())))
    there = place.segment_ids()
    if missing := sorted(live - there):
        text = (
            f"the catalog names {len(live)} segments, of which {len(missing)} are not in "
            f"{place.address} ({', '.join(missing[:_NAMED])}): name the place where they are, or "
            "copy its folders segments and artefacts there first"
        )
        raise StartupError(text)
    if there and not there & known:
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
