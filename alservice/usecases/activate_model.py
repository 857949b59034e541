"""ActivateModel: make Query use a model, whatever its age."""

from dataclasses import dataclass, replace

from alservice.domain.call import Call
from alservice.domain.errors import ModelNotReady
from alservice.domain.model import ModelRow, ModelState
from alservice.domain.names import model_name
from alservice.domain.project import Project
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.once import once
from alservice.usecases.require import lock_project, require_model


@dataclass(frozen=True, slots=True)
class ActivateModelCommand:
    """Which model."""

    project_id: str
    model_id: str


@dataclass(frozen=True, slots=True)
class ActivateModel:
    """Raises ProjectNotFound, ModelNotFound, ModelNotReady."""

    catalog: Catalog

    def __call__(self, call: Call, command: ActivateModelCommand) -> ModelRow:
        """The model, which is now the active one."""

        def work(tx: Tx) -> ModelRow:
            project = lock_project(tx, command.project_id)
            model = require_model(tx, command.project_id, command.model_id)
            once(
                tx,
                call,
                command.project_id,
                lambda: _activate(tx, project, model),
                lambda _: "null",
                lambda _: None,
            )
            return model

        return self.catalog.transact(work)


def _activate(tx: Tx, project: Project, model: ModelRow) -> None:
    name = model_name(project.project_id, model.model_id)
    if model.state is not ModelState.READY:
        text = f"model {name} is {model.state}; only a ready one can be used"
        raise ModelNotReady(text, model=name, state=model.state)
    if model.space_id != project.space.space_id:
        text = f"model {name} reads another vector space than the project's; train a new one"
        raise ModelNotReady(text, model=name, vector_space=model.space_id)
    if model.model_id != project.active_model_id:
        revision = project.revision + 1
        active = replace(project, active_model_id=model.model_id, revision=revision)
        tx.projects.update(active)
