"""A catalog of an older version is brought up to date with all that it holds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.command import upgrade
from alembic.config import Config

from alservice.domain.batch import Arm, BatchItemState
from alservice.domain.operation import OperationKind, OperationState
from alservice.storage.catalog import migrate
from alservice.storage.catalog.sqlite import SqliteCatalog

BATCH: Mapping[str, Any] = {
    "project_id": "reviews",
    "batch_id": "b-1",
    "annotator_id": "ann",
    "expire_time_ms": 2,
    "create_time_ms": 1,
    "strategy": "entropy",
    "strategy_version": 1,
    "seed": 7,
    "revision": 3,
    "closed": False,
}
ITEM: Mapping[str, Any] = {
    "project_id": "reviews",
    "batch_id": "b-1",
    "item_id": "i-1",
    "incarnation": 4,
    "rank": 1,
    "score": 0.5,
    "arm": Arm.STRATEGY.value,
    "propensity": 0.0,
    "components": '{"entropy": 0.5}',
    "state": BatchItemState.OPEN.value,
}
OPERATION: Mapping[str, Any] = {
    "project_id": "reviews",
    "operation_id": "o-1",
    "kind": OperationKind.TRAIN.value,
    "state": OperationState.SUCCEEDED.value,
    "request": '{"model_id": "m-1"}',
    "progress": 1.0,
    "stage": "succeeded",
    "cancel_requested": False,
    "owner": "",
    "lease_until_ms": 0,
    "attempt": 1,
    "lapses": 0,
    "error_reason": "",
    "error_message": "",
    "create_time_ms": 1,
}


def catalog_of(folder: Path, revision: str) -> sa.Engine:
    """A file as the program of that revision left it."""
    folder.mkdir()
    engine = sa.create_engine(f"sqlite:///{folder / 'catalog.sqlite3'}")
    config = Config()
    config.set_main_option("script_location", str(migrate._SCRIPTS))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        upgrade(config, revision)
    return engine


def fill(engine: sa.Engine, **rows: Mapping[str, Any]) -> None:
    with engine.begin() as connection:
        for table, row in rows.items():
            found = sa.Table(table, sa.MetaData(), autoload_with=connection)
            connection.execute(found.insert(), [dict(row)])
    engine.dispose()


def test_a_catalog_of_the_first_schema_keeps_its_batches_and_operations(tmp_path: Path) -> None:
    engine = catalog_of(tmp_path / "data", "0001")
    fill(engine, batches=BATCH, batch_items=ITEM, operations=OPERATION)
    catalog = SqliteCatalog(tmp_path / "data")
    try:
        batch = catalog.read(lambda tx: tx.batches.get("reviews", "b-1"))
        operation = catalog.read(lambda tx: tx.operations.get("reviews", "o-1"))
        assert catalog.read(lambda tx: tx.artefacts.all_ids()) == []
    finally:
        catalog.close()
    assert batch is not None and operation is not None
    assert (batch.strategy, batch.chosen_by) == ("entropy", "entropy")
    assert (batch.because, batch.pool_index) == ("", "")
    assert [(i.item_id, i.components) for i in batch.items] == [("i-1", {"entropy": 0.5})]
    assert (operation.state, operation.result) == (OperationState.SUCCEEDED, {})
    assert operation.model_id == "m-1"
