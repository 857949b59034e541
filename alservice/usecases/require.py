"""Get the thing a request names, or say that it is not there and what is."""

from alservice.domain.batch import Batch
from alservice.domain.errors import (
    BatchNotFound,
    Conflict,
    EtagMismatch,
    ModelNotFound,
    OperationNotFound,
    ProjectNotFound,
    did_you_mean,
)
from alservice.domain.model import ModelRow
from alservice.domain.names import batch_name, model_name, operation_name, project_name
from alservice.domain.operation import Operation, OperationKind, OperationView
from alservice.domain.project import Project
from alservice.ports.catalog import Tx


def require_project(tx: Tx, project_id: str) -> Project:
    """The project. Raises ProjectNotFound, with the closest id there is."""
    project = tx.projects.get(project_id)
    if project is None:
        raise _project_missing(tx, project_id)
    return project


def lock_project(tx: Tx, project_id: str) -> Project:
    """The project, locked for the rest of the transaction. Raises ProjectNotFound."""
    project = tx.projects.lock(project_id)
    if project is None:
        raise _project_missing(tx, project_id)
    return project


def lock_same(tx: Tx, project: Project) -> Project:
    """The project as it is now, locked. Raises ProjectNotFound; Conflict if it is another one."""
    now = lock_project(tx, project.project_id)
    if now.uid != project.uid:
        name = project_name(project.project_id)
        text = f"{name} was deleted and made anew meanwhile: begin again with the new one"
        raise Conflict(text, project=name)
    return now


def require_batch(tx: Tx, project_id: str, batch_id: str) -> Batch:
    """The batch. Raises ProjectNotFound, BatchNotFound."""
    require_project(tx, project_id)
    batch = tx.batches.get(project_id, batch_id)
    if batch is None:
        name = batch_name(project_id, batch_id)
        raise BatchNotFound(f"there is no batch {name}; ListBatches shows them", batch=name)
    return batch


def require_model(tx: Tx, project_id: str, model_id: str) -> ModelRow:
    """The model. Raises ProjectNotFound, ModelNotFound."""
    require_project(tx, project_id)
    model = tx.models.get(project_id, model_id)
    if model is None:
        name = model_name(project_id, model_id)
        raise ModelNotFound(f"there is no model {name}; ListModels shows them", model=name)
    return model


def require_operation(tx: Tx, project_id: str, operation_id: str) -> Operation:
    """The operation, unless it is housekeeping. Raises ProjectNotFound, OperationNotFound."""
    require_project(tx, project_id)
    operation = tx.operations.get(project_id, operation_id)
    if operation is None or operation.kind is OperationKind.MERGE:
        name = operation_name(project_id, operation_id)
        text = f"there is no operation {name}; ListOperations shows them"
        raise OperationNotFound(text, operation=name)
    return operation


def view_operation(tx: Tx, operation: Operation) -> OperationView:
    """The operation with the model that it makes."""
    if operation.model_id is None:
        return OperationView(operation)
    project = require_project(tx, operation.project_id)
    model = tx.models.get(operation.project_id, operation.model_id)
    return OperationView(operation, model, active=project.active_model_id == operation.model_id)


def check_etag(project: Project, etag: str) -> None:
    """Nothing, if `etag` is empty or current. Raises EtagMismatch."""
    if etag and etag != project.etag:
        text = "the project was changed since you read it; get it again and repeat your change"
        raise EtagMismatch(text, etag=etag, current=project.etag)


def _project_missing(tx: Tx, project_id: str) -> ProjectNotFound:
    known = [p.project_id for p in tx.projects.page("", 1000)]
    text = f"there is no project {project_name(project_id)}; CreateProject makes one"
    return ProjectNotFound(text, project=project_id, **did_you_mean(project_id, known))
