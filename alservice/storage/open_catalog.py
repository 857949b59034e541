"""From the settings to the catalog: SQLite in the data folder, or PostgreSQL."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from alservice.domain.startup import StartupError
from alservice.ports.catalog import Catalog, Tx
from alservice.storage.catalog.sqlite import SqliteCatalog

_log: Final = logging.getLogger(__name__)


def open_catalog(
    dsn: str | None,
    data: Path,
    on_failure: Callable[[], object],
    connections: int = 1,
    *,
    durable: bool = True,
) -> Catalog:
    """Open it; `dsn` None means SQLite in `data`, which alone heeds `on_failure` and `durable`.

    Up to so many `connections` are opened to PostgreSQL: one for each thread that may be inside a
    transaction. Raises StartupError.
    """
    if dsn is not None:
        return _open_postgres(dsn, connections)
    _log.info("opening the catalog: SQLite in %s", data.absolute())
    catalog = SqliteCatalog(data, on_failure=on_failure, durable=durable)
    # We hold the folder's lock: whoever was at work on an operation or a file is dead.
    catalog.transact(_disown)
    return catalog


def _open_postgres(dsn: str, connections: int) -> Catalog:
    try:
        from alservice.storage.catalog.postgres import PostgresCatalog  # noqa: PLC0415 an extra
        from alservice.storage.catalog.postgres_dsn import described  # noqa: PLC0415
    except ModuleNotFoundError as error:
        text = "--catalog needs more than is installed: pip install 'alservice[postgres]'"
        raise StartupError(text) from error
    _log.info("opening the catalog: PostgreSQL, %s", described(dsn))
    return PostgresCatalog(dsn, connections=connections)


def _disown(tx: Tx) -> None:
    tx.operations.disown(tx.now_ms())
    tx.segments.disown()
    tx.artefacts.disown()
