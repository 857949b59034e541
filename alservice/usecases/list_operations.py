"""ListOperations: the operations of a project, newest first, housekeeping left out."""

from dataclasses import dataclass

from alservice.domain.call import Call
from alservice.domain.errors import NotBuilt
from alservice.domain.operation import OperationView
from alservice.domain.page import Page, cut_page, last_text, page_limit
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.require import require_project, view_operation

KIND = "ListOperations"


@dataclass(frozen=True, slots=True)
class ListOperationsCommand:
    """Which page."""

    project_id: str
    filter: str = ""
    page_size: int = 0
    page_token: str = ""


@dataclass(frozen=True, slots=True)
class ListOperations:
    """Raises ProjectNotFound, InvalidPageToken, InvalidField, NotBuilt (a filter)."""

    catalog: Catalog

    def __call__(self, call: Call, command: ListOperationsCommand) -> Page[OperationView]:
        """One page."""
        if command.filter:
            raise NotBuilt(
                "operations cannot be filtered yet; leave filter empty", feature="filter"
            )
        limit = page_limit(command.page_size)
        before = last_text(KIND, command.page_token, command.project_id)

        def work(tx: Tx) -> list[OperationView]:
            require_project(tx, command.project_id)
            rows = tx.operations.page(command.project_id, before, limit + 1)
            return [view_operation(tx, operation) for operation in rows]

        rows = self.catalog.read(work)
        return cut_page(
            KIND, rows, limit, lambda row: (command.project_id, row.operation.operation_id)
        )
