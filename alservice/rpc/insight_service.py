"""InsightService: parse, call, render."""

from dataclasses import dataclass

from google.longrunning import operations_pb2

from alservice.api.v1 import insight_service_pb2 as pb
from alservice.api.v1 import insight_service_pb2_grpc as pb_grpc
from alservice.rpc.context import Context
from alservice.rpc.insight_messages import parse_simulate
from alservice.rpc.operation_messages import render_operation
from alservice.rpc.runner import Lane, Runner
from alservice.usecases.simulate import Simulate


@dataclass(frozen=True, kw_only=True)
class InsightServicer(pb_grpc.InsightServiceServicer):
    """Serves alservice.api.v1.InsightService."""

    run: Runner
    simulate: Simulate

    async def Simulate(
        self, request: pb.SimulateRequest, context: Context
    ) -> operations_pb2.Operation:
        """Queue a replay of the project's labels."""
        command = parse_simulate(request)
        operation = await self.run(request, context, Lane.WRITE, self.simulate, command)
        return render_operation(operation, None, command.project_id)
