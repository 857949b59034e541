"""Two workers at one import: whoever has lost it changes nothing, up to the last moment."""

from pathlib import Path
from typing import Any

import pytest

from alservice import learners
from alservice.core import CancelFlag
from alservice.domain import errors
from alservice.domain.item import AddResult
from alservice.domain.operation import OperationKind
from alservice.ports.catalog import Tx
from alservice.usecases.add_items import AddItems
from alservice.usecases.queue_training import QueueTraining
from alservice.usecases.run_import import RunImport
from tests.usecases.imports import LEASE_MS, Imports, save
from tests.usecases.items import Pool, quietly


class OvertakenTraining(QueueTraining):
    """In the transaction that makes items visible, after the work was found to be still ours."""

    def after_import(self, tx: Tx, admission: Any) -> AddResult:
        result = super().after_import(tx, admission)
        later = tx.now_ms() + 2 * LEASE_MS
        assert tx.operations.claim("another", later, LEASE_MS, (OperationKind.IMPORT,))
        return result


def test_one_that_is_overtaken_at_the_last_moment_is_rolled_back(
    items_pool: Pool, tmp_path: Path
) -> None:
    imports, pool = Imports.beside(items_pool, tmp_path), items_pool
    imports.ask(save(tmp_path / "a.npz", ["one", "two"]))
    add_items = AddItems(pool.catalog, pool.store, OvertakenTraining(learners.discover()))
    run = RunImport(pool.catalog, imports.roots, add_items)
    with pytest.raises(errors.Conflict, match="taken this operation over"):
        run(imports.claim(), quietly, CancelFlag())
    assert pool.items() == []
