"""CancelOperation: ask the worker to stop; a done operation stays as it is."""

from dataclasses import dataclass

from alservice.domain.call import Call
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.require import lock_project, require_operation


@dataclass(frozen=True, slots=True)
class CancelOperationCommand:
    """Which operation."""

    project_id: str
    operation_id: str


@dataclass(frozen=True, slots=True)
class CancelOperation:
    """Raises ProjectNotFound, OperationNotFound."""

    catalog: Catalog

    def __call__(self, call: Call, command: CancelOperationCommand) -> None:
        """Nothing; the operation ends as cancelled soon, or as it would have if it was faster."""

        def work(tx: Tx) -> None:
            lock_project(tx, command.project_id)
            operation = require_operation(tx, command.project_id, command.operation_id)
            if not operation.state.done:
                tx.operations.request_cancel(command.project_id, command.operation_id)

        self.catalog.transact(work)
