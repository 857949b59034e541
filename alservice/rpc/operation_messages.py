"""google.longrunning.Operation messages, to the words of the domain and back."""

from google.longrunning import operations_pb2 as pb
from google.protobuf.message import Message

from alservice.api.v1 import active_learning_service_pb2 as al_pb
from alservice.api.v1 import insight_service_pb2 as insight_pb
from alservice.api.v1 import model_pb2
from alservice.api.v1 import pool_service_pb2 as pool_pb
from alservice.domain.model import ModelRow
from alservice.domain.names import model_name, operation_name, parse_operation, parse_project
from alservice.domain.operation import Operation, OperationKind, OperationState, OperationView
from alservice.rpc.import_messages import render_import, render_imported
from alservice.rpc.insight_messages import render_report
from alservice.rpc.model_messages import render_model
from alservice.rpc.pool_index_messages import render_pool_index
from alservice.rpc.status import status_of_reason
from alservice.usecases.cancel_operation import CancelOperationCommand
from alservice.usecases.delete_operation import DeleteOperationCommand
from alservice.usecases.get_operation import GetOperationCommand
from alservice.usecases.list_operations import ListOperationsCommand

CANCELLED = "CANCELLED"


def parse_get(request: pb.GetOperationRequest | pb.WaitOperationRequest) -> GetOperationCommand:
    """The command. Raises InvalidName."""
    return GetOperationCommand(*parse_operation(request.name))


def parse_list(request: pb.ListOperationsRequest) -> ListOperationsCommand:
    """The command; `name` is that of the project. Raises InvalidName."""
    return ListOperationsCommand(
        project_id=parse_project(request.name),
        filter=request.filter,
        page_size=request.page_size,
        page_token=request.page_token,
    )


def parse_cancel(request: pb.CancelOperationRequest) -> CancelOperationCommand:
    """The command. Raises InvalidName."""
    return CancelOperationCommand(*parse_operation(request.name))


def parse_delete(request: pb.DeleteOperationRequest) -> DeleteOperationCommand:
    """The command. Raises InvalidName."""
    return DeleteOperationCommand(*parse_operation(request.name))


def render_listed(view: OperationView) -> pb.Operation:
    """The message in a list: a simulation's report is for GetOperation and WaitOperation alone."""
    message = render_view(view)
    if view.operation.kind is OperationKind.SIMULATE:
        message.ClearField("response")
    return message


def render_view(view: OperationView) -> pb.Operation:
    """The message about an operation of the view's project."""
    project_id = view.operation.project_id
    return render_operation(view.operation, view.model, project_id, active=view.active)


def render_operation(
    operation: Operation, model: ModelRow | None, project_id: str, *, active: bool = False
) -> pb.Operation:
    """The message: metadata, and once done what came of it or a google.rpc.Status.

    A TrainMetadata and a Model, a BuildIndexMetadata and a PoolIndex, a SimulateMetadata and a
    SimulateResponse, or an ImportItemsMetadata and an ImportItemsResponse. `model` is what a
    training makes, `active` says whether Query uses it.
    """
    message = pb.Operation(
        name=operation_name(project_id, operation.operation_id), done=operation.state.done
    )
    message.metadata.Pack(_metadata(operation, project_id))
    if operation.state is OperationState.SUCCEEDED:
        message.response.Pack(_response(operation, model, project_id, active=active))
    elif operation.state.done:
        reason = operation.error_reason
        if operation.state is OperationState.CANCELLED:
            reason = CANCELLED
        text = operation.error_message or f"the operation was {operation.state}"
        message.error.CopyFrom(status_of_reason(reason, text))
    return message


def _response(
    operation: Operation, model: ModelRow | None, project_id: str, *, active: bool
) -> Message:
    if operation.kind is OperationKind.BUILD_INDEX:
        return render_pool_index(project_id, operation.result)
    if operation.kind is OperationKind.SIMULATE:
        return render_report(operation.result)
    if operation.kind is OperationKind.IMPORT:
        return render_imported(operation.result)
    return model_pb2.Model() if model is None else render_model(project_id, model, active)


def _metadata(operation: Operation, project_id: str) -> Message:
    if operation.kind is OperationKind.BUILD_INDEX:
        return pool_pb.BuildIndexMetadata(
            progress=operation.progress, stage=operation.stage, attempt=operation.attempt
        )
    if operation.kind is OperationKind.SIMULATE:
        return insight_pb.SimulateMetadata(
            progress=operation.progress, stage=operation.stage, attempt=operation.attempt
        )
    if operation.kind is OperationKind.IMPORT:
        return render_import(operation)
    model_id = operation.model_id
    return al_pb.TrainMetadata(
        model=model_name(project_id, model_id) if model_id else "",
        progress=operation.progress,
        stage=operation.stage,
        attempt=operation.attempt,
    )
