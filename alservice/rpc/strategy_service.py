"""StrategyService: parse, call, render."""

from dataclasses import dataclass

from alservice.api.v1 import strategy_service_pb2 as pb
from alservice.api.v1 import strategy_service_pb2_grpc as pb_grpc
from alservice.rpc.context import Context
from alservice.rpc.runner import Lane, Runner
from alservice.rpc.strategy_messages import render_strategy
from alservice.usecases.list_strategies import ListStrategies, ListStrategiesCommand


@dataclass(frozen=True, kw_only=True)
class StrategyServicer(pb_grpc.StrategyServiceServicer):
    """Serves alservice.api.v1.StrategyService."""

    run: Runner
    list_strategies: ListStrategies

    async def ListStrategies(
        self, request: pb.ListStrategiesRequest, context: Context
    ) -> pb.ListStrategiesResponse:
        """The strategies, by name."""
        command = ListStrategiesCommand()
        found = await self.run(request, context, Lane.READ, self.list_strategies, command)
        return pb.ListStrategiesResponse(strategies=map(render_strategy, found))
