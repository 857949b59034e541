"""ActiveLearningService: parse, call, render."""

from dataclasses import dataclass

from google.longrunning import operations_pb2

from alservice.api.v1 import active_learning_service_pb2 as pb
from alservice.api.v1 import active_learning_service_pb2_grpc as pb_grpc
from alservice.domain import names
from alservice.rpc import batch_messages, label_messages
from alservice.rpc.context import Context
from alservice.rpc.operation_messages import render_operation
from alservice.rpc.runner import Lane, Runner
from alservice.usecases.get_batch import GetBatch
from alservice.usecases.list_batches import ListBatches
from alservice.usecases.list_labels import ListLabels
from alservice.usecases.query import Query
from alservice.usecases.release_batch import ReleaseBatch
from alservice.usecases.renew_batch import RenewBatch
from alservice.usecases.submit_labels import SubmitLabels
from alservice.usecases.train import Train, TrainCommand


@dataclass(frozen=True, kw_only=True)
class ActiveLearningServicer(pb_grpc.ActiveLearningServiceServicer):
    """Serves alservice.api.v1.ActiveLearningService."""

    run: Runner
    query: Query
    submit_labels: SubmitLabels
    train: Train
    get_batch: GetBatch
    list_batches: ListBatches
    renew_batch: RenewBatch
    release_batch: ReleaseBatch
    list_labels: ListLabels

    async def Query(self, request: pb.QueryRequest, context: Context) -> pb.QueryResponse:
        """Choose items and lease them."""
        command = batch_messages.parse_query(request)
        result = await self.run(request, context, Lane.SCORE, self.query, command)
        return batch_messages.render_query(request, command.project_id, result)

    async def SubmitLabels(
        self, request: pb.SubmitLabelsRequest, context: Context
    ) -> pb.SubmitLabelsResponse:
        """Record answers."""
        command = label_messages.parse_submit(request)
        result = await self.run(request, context, Lane.WRITE, self.submit_labels, command)
        return label_messages.render_submit(result)

    async def Train(self, request: pb.TrainRequest, context: Context) -> operations_pb2.Operation:
        """Queue a training."""
        command = _parse_train(request)
        result = await self.run(request, context, Lane.WRITE, self.train, command)
        return render_operation(result.operation, result.model, command.project_id)

    async def GetBatch(self, request: pb.GetBatchRequest, context: Context) -> pb.GetBatchResponse:
        """One batch."""
        command = batch_messages.parse_get(request)
        lane = batch_messages.lane_of(request)
        found = await self.run(request, context, lane, self.get_batch, command)
        batch = batch_messages.render_batch(request.view, command.project_id, found)
        return pb.GetBatchResponse(batch=batch)

    async def ListBatches(
        self, request: pb.ListBatchesRequest, context: Context
    ) -> pb.ListBatchesResponse:
        """The batches of a project, newest first."""
        command = batch_messages.parse_list(request)
        page = await self.run(request, context, Lane.READ, self.list_batches, command)
        batches = batch_messages.render_batches(request.view, command.project_id, page.rows)
        return pb.ListBatchesResponse(batches=batches, next_page_token=page.next_token)

    async def RenewBatch(
        self, request: pb.RenewBatchRequest, context: Context
    ) -> pb.RenewBatchResponse:
        """Hold on to a batch."""
        command = batch_messages.parse_renew(request)
        batch = await self.run(request, context, Lane.WRITE, self.renew_batch, command)
        rendered = batch_messages.render_ids(command.project_id, batch)
        return pb.RenewBatchResponse(batch=rendered)

    async def ReleaseBatch(
        self, request: pb.ReleaseBatchRequest, context: Context
    ) -> pb.ReleaseBatchResponse:
        """Give a batch back."""
        command = batch_messages.parse_release(request)
        batch = await self.run(request, context, Lane.WRITE, self.release_batch, command)
        rendered = batch_messages.render_ids(command.project_id, batch)
        return pb.ReleaseBatchResponse(batch=rendered)

    async def ListLabels(
        self, request: pb.ListLabelsRequest, context: Context
    ) -> pb.ListLabelsResponse:
        """The log of answers."""
        command = label_messages.parse_list(request)
        page = await self.run(request, context, Lane.READ, self.list_labels, command)
        labels = label_messages.render_labels(command.project_id, page.rows)
        return pb.ListLabelsResponse(labels=labels, next_page_token=page.next_token)


def _parse_train(request: pb.TrainRequest) -> TrainCommand:
    return TrainCommand(
        project_id=names.parse_project(request.project),
        force=request.force,
        learner=request.learner,
        activate=request.activate if request.HasField("activate") else True,
    )
