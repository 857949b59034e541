"""Write down how an operation ended when it did not succeed."""

from dataclasses import dataclass, replace

from alservice.domain.errors import AlserviceError
from alservice.domain.model import ModelState
from alservice.domain.operation import Operation, OperationKind, OperationState
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.upload_session import forget_upload


@dataclass(frozen=True, slots=True)
class FailOperation:
    """Ends an operation as FAILED or CANCELLED, with the model or upload it would have made."""

    catalog: Catalog

    def __call__(self, operation: Operation, state: OperationState, error: AlserviceError) -> None:
        """Does nothing if the attempt is no longer the current one."""
        self.catalog.transact(lambda tx: _fail(tx, operation, state, error))


def ended(operation: Operation, now_ms: int, state: OperationState) -> Operation:
    """`operation`, done now."""
    return replace(
        operation,
        state=state,
        progress=1.0 if state is OperationState.SUCCEEDED else operation.progress,
        stage=state.value,
        lease_until_ms=now_ms,
        end_time_ms=now_ms,
    )


def _fail(tx: Tx, operation: Operation, state: OperationState, error: AlserviceError) -> None:
    now_ms = tx.now_ms()
    failed = replace(
        ended(operation, now_ms, state), error_reason=error.reason, error_message=str(error)
    )
    uploads = operation.kind is OperationKind.IMPORT
    if uploads:  # whose rows are the project's: its lock comes before that of the operation
        tx.projects.lock(operation.project_id)
    if not tx.operations.finish(failed, operation.attempt):
        return
    if uploads:
        forget_upload(tx, operation.project_id, operation.operation_id)
    row = tx.models.get(operation.project_id, str(operation.request.get("model_id", "")))
    if row is not None:
        model = replace(
            row,
            state=ModelState.FAILED,
            error_reason=error.reason,
            error=str(error),
            end_time_ms=now_ms,
        )
        tx.models.store(operation.project_id, model, None)
