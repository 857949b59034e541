"""DeleteOperation: forget a done operation; what it made stays."""

from dataclasses import dataclass

from alservice.domain.call import Call
from alservice.domain.errors import OperationNotDone
from alservice.domain.names import operation_name
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.require import lock_project, require_operation


@dataclass(frozen=True, slots=True)
class DeleteOperationCommand:
    """Which operation."""

    project_id: str
    operation_id: str


@dataclass(frozen=True, slots=True)
class DeleteOperation:
    """Raises ProjectNotFound, OperationNotFound, OperationNotDone."""

    catalog: Catalog

    def __call__(self, call: Call, command: DeleteOperationCommand) -> None:
        """Nothing."""

        def work(tx: Tx) -> None:
            lock_project(tx, command.project_id)
            operation = require_operation(tx, command.project_id, command.operation_id)
            if not operation.state.done:
                name = operation_name(command.project_id, command.operation_id)
                text = (
                    f"operation {name} is {operation.state}; cancel it, or wait until it is done"
                )
                raise OperationNotDone(text, operation=name)
            tx.operations.delete(command.project_id, command.operation_id)

        self.catalog.transact(work)
