"""ModelService: parse, call, render."""

from dataclasses import dataclass

from alservice.api.v1 import model_service_pb2 as pb
from alservice.api.v1 import model_service_pb2_grpc as pb_grpc
from alservice.rpc import model_messages as messages
from alservice.rpc.context import Context
from alservice.rpc.runner import Lane, Runner
from alservice.usecases.activate_model import ActivateModel
from alservice.usecases.get_model import GetModel
from alservice.usecases.list_models import ListModels


@dataclass(frozen=True, kw_only=True)
class ModelServicer(pb_grpc.ModelServiceServicer):
    """Serves alservice.api.v1.ModelService."""

    run: Runner
    list_models: ListModels
    get_model: GetModel
    activate_model: ActivateModel

    async def ListModels(
        self, request: pb.ListModelsRequest, context: Context
    ) -> pb.ListModelsResponse:
        """The models of a project, newest first."""
        command = messages.parse_list(request)
        page = await self.run(request, context, Lane.READ, self.list_models, command)
        models = messages.render_models(command.project_id, page.rows)
        return pb.ListModelsResponse(models=models, next_page_token=page.next_token)

    async def GetModel(self, request: pb.GetModelRequest, context: Context) -> pb.GetModelResponse:
        """One model."""
        command = messages.parse_get(request)
        found = await self.run(request, context, Lane.READ, self.get_model, command)
        return pb.GetModelResponse(model=messages.render_model(command.project_id, *found))

    async def ActivateModel(
        self, request: pb.ActivateModelRequest, context: Context
    ) -> pb.ActivateModelResponse:
        """Make Query use a model."""
        command = messages.parse_activate(request)
        model = await self.run(request, context, Lane.WRITE, self.activate_model, command)
        rendered = messages.render_model(command.project_id, model, active=True)
        return pb.ActivateModelResponse(model=rendered)
