"""What is asked with every call is found by an index, however large a project has grown."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from alservice.domain.batch import BatchItemState
from alservice.domain.operation import OperationKind
from alservice.ports.catalog import Tx
from alservice.storage.catalog.sqlite import SqliteCatalog
from alservice.storage.catalog.sqlite_file import engine_for, session_of
from alservice.storage.catalog.tx import SqlTx
from tests.contract.catalog_rows import P

Ask = Callable[[Tx], object]
BY_INDEX: dict[str, tuple[Ask, list[str]]] = {
    "lines of items": (
        lambda tx: tx.labels.of_items(P, ["a"]),
        ["labels_by_item (project_id=? AND item_id=?)", "(project_id=? AND item_id=? AND incarn"],
    ),
    "the log": (
        lambda tx: tx.labels.page(P, 0, 9, settled_only=True),
        ["(project_id=? AND seq>?)", "(project_id=? AND item_id=? AND incarnation=?)"],
    ),
    "settled rows of items": (
        lambda tx: tx.labels.settled_of(P, ["a"]),
        ["PRIMARY KEY (project_id=? AND item_id=?)"],
    ),
    "newly settled rows": (
        lambda tx: tx.labels.settled_since(P, 3),
        ["settled_by_revision (project_id=? AND revision>?)", "ORDER BY"],
    ),
    "unseen rows": (
        lambda tx: tx.labels.unseen_count(P, 3),
        ["COVERING INDEX settled_by_revision (project_id=? AND revision>?)"],
    ),
    "counts": (
        lambda tx: tx.labels.settled_count(P),
        ["COVERING INDEX settled_by_outcome (project_id=?)"],
    ),
    "abstentions": (
        lambda tx: tx.labels.abstained(P, "ada"),
        ["labels_abstained (project_id=? AND annotator_id=?)", "DISTINCT"],
    ),
    "leases of items": (
        lambda tx: tx.leases.of_items(P, ["a"]),
        ["PRIMARY KEY (project_id=? AND item_id=?)"],
    ),
    "leases of a batch": (
        lambda tx: tx.leases.delete_batch(P, "b-1"),
        ["leases_by_batch (project_id=? AND batch_id=?)"],
    ),
    "history of items": (
        lambda tx: tx.batches.of_items(P, ["a"]),
        [
            "batch_items_by_item (project_id=? AND item_id=?)",
            "(project_id=? AND batch_id=?)",
            "ORDER",
        ],
    ),
    "the oldest open batch": (
        lambda tx: tx.batches.oldest_open(P, "ada", 0),
        ["batches_open (project_id=? AND annotator_id=?)"],
    ),
    "answers of a batch": (
        lambda tx: tx.batches.set_state(P, "b-1", ["a"], BatchItemState.ANSWERED),
        ["(project_id=? AND batch_id=? AND item_id=?)", "(project_id=? AND batch_id=?)", "", ""],
    ),
    "the version of the pool": (
        lambda tx: tx.segments.pool_version(P),
        ["COVERING INDEX segments_by_project (project_id=? AND state=?)"],
    ),
    "the index of the pool": (
        lambda tx: tx.artefacts.live(P),
        ["artefacts_by_project (project_id=? AND state=?)"],
    ),
    "an unfinished operation": (
        lambda tx: tx.operations.unfinished(P, OperationKind.TRAIN),
        ["operations_by_time (project_id=?)"],
    ),
    "the next operation": (
        lambda tx: tx.operations.claim("w", 0, 0),
        ["", "", "(state=?)", "", "(state=?)", "ORDER BY"],
    ),
}


@pytest.mark.parametrize("what", BY_INDEX)
def test_it_is_found_by_index(what: str, tmp_path: Path) -> None:
    SqliteCatalog(tmp_path).close()
    engine = engine_for(tmp_path / "catalog.sqlite3", writes=True)
    asked: list[str] = []
    ask, expected = BY_INDEX[what]
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_trace_callback(asked.append)
        ask(SqlTx(session_of(connection, lambda: 0)))
        driver.set_trace_callback(None)
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}").all() for sql in asked]
    engine.dispose()
    steps = [str(row.detail) for plan in plans for row in plan]
    assert len(steps) == len(expected), steps
    assert [step for step, part in zip(steps, expected, strict=True) if part not in step] == []
    assert [step for step in steps if step.startswith("SCAN")] == []
