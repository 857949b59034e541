"""`alservice index`: find once what strategies ask of a pool in every round."""

from typing import Annotated

import typer

from alservice.cli.connect import DEFAULT_ADDRESS, IN_FLAGS, Address, Tls, TlsCa, connect
from alservice.client import PoolIndex

WORDS = {**IN_FLAGS, "the project has no items yet": "`alservice import` adds items"}


def index(
    project: Annotated[str, typer.Argument(help="The id of the project.")],
    neighbours: Annotated[
        int, typer.Option(min=1, max=64, help="How many neighbours of each item to keep.")
    ] = 16,
    force: Annotated[
        bool, typer.Option("--force", help="Build anew even if the pool has not changed.")
    ] = False,
    wait: Annotated[
        bool, typer.Option(help="Wait until it is ready; else name the operation.")
    ] = True,
    address: Address = DEFAULT_ADDRESS,
    tls: Tls = False,
    tls_ca: TlsCa = None,
) -> None:
    """Build the index of a pool: the neighbours of each item, clusters, near-duplicates.

    Strategies use it until items are added or the pool's files are merged; queries go on
    meanwhile. Ctrl-C stops the waiting, not the work.

    For example:

        alservice index reviews
    """
    with connect(address, tls, tls_ca, WORDS) as client:
        building = client.project(project).build_index(
            wait=False, neighbours=neighbours, force=force
        )
        typer.echo(_told(project, building.wait()) if wait else building.name)


COMMAND = index


def _told(project: str, built: PoolIndex) -> str:
    return (
        f"{project}: {built.item_count:,} items, {built.neighbour_count} neighbours each "
        f"({built.method}, {built.recall:.1%} of them the true ones), {built.cluster_count} "
        f"clusters, {built.near_duplicate_count:,} near-duplicates; "
        f"{built.size_bytes / 1e6:.1f} MB, built in {built.build_s:.1f} s"
    )
