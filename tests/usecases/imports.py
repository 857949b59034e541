"""Files to import, and the operations that do it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alservice.core import CancelFlag
from alservice.domain.item import OnConflict
from alservice.domain.learner import Progress
from alservice.domain.operation import Operation, OperationKind
from alservice.domain.source import SourceColumns
from alservice.storage.imports import ImportRoots
from alservice.usecases.add_items import AddItems
from alservice.usecases.import_items import ImportItems, ImportItemsCommand
from alservice.usecases.run_import import RunImport
from tests.usecases.items import QUEUE_TRAINING, Pool, block, call, quietly

LEASE_MS = 15_000


def save(path: Path, item_ids: Sequence[str], version: int = 0, **columns: Any) -> str:
    """An .npz with the items that `block` makes; its path."""
    vectors = block(item_ids, version).vectors
    np.savez(path, X=vectors, ids=np.array(item_ids), **columns)
    return str(path)


@dataclass(frozen=True)
class Imports:
    """Imports into one pool from one folder."""

    pool: Pool
    roots: ImportRoots
    woken: list[str]

    @staticmethod
    def beside(pool: Pool, folder: Path) -> "Imports":
        return Imports(pool, ImportRoots.of([str(folder)]), [])

    def ask(self, uri: str, request_id: str = "", **fields: Any) -> Operation:
        command = ImportItemsCommand(
            project_id=self.pool.project_id,
            uri=uri,
            on_conflict=fields.pop("on_conflict", OnConflict.ERROR),
            columns=SourceColumns(**fields),
        )
        wake: Callable[[], None] = lambda: self.woken.append(uri)  # noqa: E731
        return ImportItems(self.pool.catalog, self.roots, wake)(call(request_id), command)

    def claim(self, owner: str = "me") -> Operation:
        claimed = self.pool.catalog.transact(
            lambda tx: tx.operations.claim(owner, tx.now_ms(), LEASE_MS, (OperationKind.IMPORT,))
        )
        assert claimed is not None
        return claimed

    def run(
        self,
        operation: Operation,
        progress: Progress = quietly,
        cancel: CancelFlag | None = None,
    ) -> None:
        add_items = AddItems(self.pool.catalog, self.pool.store, QUEUE_TRAINING)
        run = RunImport(self.pool.catalog, self.roots, add_items)
        run(operation, progress, cancel or CancelFlag())

    def look(self, operation: Operation) -> Operation:
        found = self.pool.catalog.read(
            lambda tx: tx.operations.get(operation.project_id, operation.operation_id)
        )
        assert found is not None
        return found
