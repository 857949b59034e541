"""GetOperation: how far a long-running operation has come."""

from dataclasses import dataclass

from alservice.domain.call import Call
from alservice.domain.operation import OperationView
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.require import require_operation, view_operation


@dataclass(frozen=True, slots=True)
class GetOperationCommand:
    """Which operation."""

    project_id: str
    operation_id: str


@dataclass(frozen=True, slots=True)
class GetOperation:
    """Raises ProjectNotFound, OperationNotFound."""

    catalog: Catalog

    def __call__(self, call: Call, command: GetOperationCommand) -> OperationView:
        """The operation, with the model that it makes."""

        def work(tx: Tx) -> OperationView:
            operation = require_operation(tx, command.project_id, command.operation_id)
            return view_operation(tx, operation)

        return self.catalog.read(work)
