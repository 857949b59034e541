"""`alservice adopt`: a restored catalog takes over the files of what it is a copy of."""

import os
from pathlib import Path
from typing import Annotated

import typer

from alservice.config import resolve

# None means that the flag was not given: the environment or the file may say it.
ConfigFile = Annotated[Path | None, typer.Option(help="TOML file with the server's settings.")]
Data = Annotated[Path | None, typer.Option(help="As for `serve`.")]
Catalog = Annotated[str | None, typer.Option(help="As for `serve`.")]
Objects = Annotated[str | None, typer.Option(help="As for `serve`.")]


def adopt(
    config: ConfigFile = None,
    data: Data = None,
    catalog: Catalog = None,
    objects: Objects = None,
) -> None:
    """Give the place of the files to this copy of the catalog. Once, after a restore.

    Every server of the other copy must have been stopped, and must not be started again: it would
    be refused. Settings are those of `alservice serve`. For example:

        alservice adopt --catalog postgresql://.../restored --objects s3://bucket/prefix
    """
    flags = {"data": data, "catalog": catalog, "objects": objects}
    settings = resolve(flags, os.environ, config)
    from alservice.storage.open_catalog import open_catalog  # noqa: PLC0415 loads SQLAlchemy
    from alservice.storage.open_place import open_place  # noqa: PLC0415
    from alservice.usecases.adopt_place import adopt_place  # noqa: PLC0415

    opened = open_catalog(settings.catalog, settings.data, lambda: None)
    try:
        place = open_place(settings.objects, settings.data, settings.cache_bytes)
        try:
            cluster = adopt_place(opened, place)
        finally:
            place.close()
    finally:
        opened.close()
    typer.echo(f"alservice: {place.address} belongs to this catalog now, cluster {cluster.uid}")


COMMAND = adopt
