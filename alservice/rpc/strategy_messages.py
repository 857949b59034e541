"""Strategy messages, from the words of the domain."""

from typing import Final

from alservice.api.v1 import strategy_service_pb2 as pb
from alservice.domain.strategy import (
    Ensemble,
    Need,
    Parameter,
    Schedule,
    Scoring,
    Selecting,
    Strategy,
    parameters_of,
)

NEEDS: Final = {
    Need.MODEL: pb.STRATEGY_NEED_MODEL,
    Need.VECTORS: pb.STRATEGY_NEED_VECTORS,
    Need.LABELS: pb.STRATEGY_NEED_LABELS,
}
KINDS: Final = {
    Scoring: pb.STRATEGY_KIND_SCORING,
    Selecting: pb.STRATEGY_KIND_SELECTING,
    Schedule: pb.STRATEGY_KIND_SCHEDULE,
    Ensemble: pb.STRATEGY_KIND_ENSEMBLE,
}


def render_strategy(strategy: Strategy) -> pb.Strategy:
    """The message."""
    return pb.Strategy(
        strategy=strategy.name,
        version=strategy.version,
        summary=strategy.summary,
        reference=strategy.reference,
        needs=sorted(NEEDS[need] for need in strategy.needs),
        parameters=map(_render_parameter, parameters_of(strategy)),
        kind=KINDS[type(strategy)],
        diversifies=_diversifies(strategy),
        parts=_parts(strategy),
    )


def _diversifies(strategy: Strategy) -> str:
    return strategy.scores if isinstance(strategy, Selecting) and strategy.diversifies else ""


def _parts(strategy: Strategy) -> tuple[str, ...]:
    if isinstance(strategy, Schedule):
        return tuple(dict.fromkeys(step.strategy for step in strategy.steps))
    if isinstance(strategy, Ensemble):
        return (*strategy.members, strategy.final)
    return ()


def _render_parameter(parameter: Parameter) -> pb.StrategyParameter:
    return pb.StrategyParameter(
        parameter=parameter.name,
        description=parameter.description,
        default_value=parameter.default,
        minimum=parameter.minimum,
        maximum=parameter.maximum,
    )
