"""GetModel: one model, with its state while it is being trained."""

from dataclasses import dataclass

from alservice.domain.call import Call
from alservice.domain.model import ModelRow
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.require import require_model, require_project


@dataclass(frozen=True, slots=True)
class GetModelCommand:
    """Which model."""

    project_id: str
    model_id: str


@dataclass(frozen=True, slots=True)
class GetModel:
    """Raises ProjectNotFound, ModelNotFound."""

    catalog: Catalog

    def __call__(self, call: Call, command: GetModelCommand) -> tuple[ModelRow, bool]:
        """The model, and whether Query uses it."""

        def work(tx: Tx) -> tuple[ModelRow, bool]:
            model = require_model(tx, command.project_id, command.model_id)
            project = require_project(tx, command.project_id)
            return model, project.active_model_id == model.model_id

        return self.catalog.read(work)
