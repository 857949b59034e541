"""ListModels: the models of a project, newest first."""

from dataclasses import dataclass

from alservice.domain.call import Call
from alservice.domain.model import ModelRow
from alservice.domain.page import Page, cut_page, last_text, page_limit
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.require import require_project

KIND = "ListModels"


@dataclass(frozen=True, slots=True)
class ListModelsCommand:
    """Which page."""

    project_id: str
    page_size: int = 0
    page_token: str = ""


@dataclass(frozen=True, slots=True)
class ListModels:
    """Raises ProjectNotFound, InvalidPageToken, InvalidField."""

    catalog: Catalog

    def __call__(self, call: Call, command: ListModelsCommand) -> Page[tuple[ModelRow, bool]]:
        """One page of models, each with whether Query uses it."""
        limit = page_limit(command.page_size)
        before = last_text(KIND, command.page_token, command.project_id)

        def work(tx: Tx) -> list[tuple[ModelRow, bool]]:
            active = require_project(tx, command.project_id).active_model_id
            rows = tx.models.page(command.project_id, before, limit + 1)
            return [(row, row.model_id == active) for row in rows]

        rows = self.catalog.read(work)
        return cut_page(KIND, rows, limit, lambda row: (command.project_id, row[0].model_id))
