"""Strategy messages, from the words of the domain."""

from typing import Final

from alservice.api.v1 import strategy_service_pb2 as pb
from alservice.domain.strategy import Need, Parameter, Strategy

NEEDS: Final = {
    Need.MODEL: pb.STRATEGY_NEED_MODEL,
    Need.VECTORS: pb.STRATEGY_NEED_VECTORS,
}


def render_strategy(strategy: Strategy) -> pb.Strategy:
    """The message."""
    return pb.Strategy(
        strategy=strategy.name,
        version=strategy.version,
        summary=strategy.summary,
        reference=strategy.reference,
        needs=sorted(NEEDS[need] for need in strategy.needs),
        parameters=map(_render_parameter, strategy.parameters),
    )


def _render_parameter(parameter: Parameter) -> pb.StrategyParameter:
    return pb.StrategyParameter(
        parameter=parameter.name,
        description=parameter.description,
        default_value=parameter.default,
        minimum=parameter.minimum,
        maximum=parameter.maximum,
    )
