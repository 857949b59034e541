"""A catalog takes over the place of another copy of it, which must not run any more."""

import secrets
from dataclasses import replace

from alservice.domain.cluster import Cluster
from alservice.ports.catalog import Catalog, Tx
from alservice.ports.places import FilePlace
from alservice.usecases.claim_place import place_id, require_files


def adopt_place(catalog: Catalog, place: FilePlace) -> Cluster:
    """Make the place this catalog's; the cluster as it is now.

    Idempotent. From then on the other copy removes nothing there, and is refused when it starts;
    and this one is refused at any other place, such as that of which this is a copy.
    Raises StartupError where the place is another cluster's, or lacks what the catalog names.
    """
    cluster = catalog.read(lambda tx: tx.cluster.get())
    mark = place.mark()
    if mark is not None:
        place_id(mark, cluster, place)
    require_files(catalog, place)
    mark = mark or place.set_mark(f"{cluster.uid} {secrets.token_hex(8)}")
    here = place_id(mark, cluster, place)
    cluster = catalog.transact(lambda tx: _adopt(tx, here, place.address))
    place.set_holder(cluster.turns[-1])
    return cluster


def _adopt(tx: Tx, here: str, address: str) -> Cluster:
    # Earlier turns are forgotten: the place that this is a copy of may still show one of them.
    turns = (secrets.token_hex(8),)
    adopted = replace(
        tx.cluster.get(),
        place=here,
        turns=turns,
        database=tx.cluster.database(),
        address=address,
    )
    tx.cluster.store(adopted)
    return adopted
