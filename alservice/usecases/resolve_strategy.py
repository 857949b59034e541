"""Find the strategy a request names, with its parameters, or say what there is."""

from collections.abc import Mapping

from alservice.domain.errors import (
    ParameterOutOfRange,
    ParameterUnknown,
    StrategyUnknown,
    did_you_mean,
)
from alservice.domain.strategy import Strategy


def resolve_strategy(known: Mapping[str, Strategy], name: str) -> Strategy:
    """The strategy of that name. Raises StrategyUnknown."""
    if name not in known:
        text = f"no strategy is called {name!r}; there are: {', '.join(sorted(known))}"
        raise StrategyUnknown(text, strategy=name, **did_you_mean(name, known))
    return known[name]


def resolve_parameters(strategy: Strategy, given: Mapping[str, float]) -> dict[str, float]:
    """Every parameter of the strategy, given or default.

    Raises ParameterUnknown, ParameterOutOfRange.
    """
    declared = {parameter.name: parameter for parameter in strategy.parameters}
    for name, value in given.items():
        if name not in declared:
            has = ", ".join(sorted(declared)) or "none"
            text = f"{strategy.name} has no parameter {name!r}; it has: {has}"
            raise ParameterUnknown(
                text, parameter=name, strategy=strategy.name, **did_you_mean(name, declared)
            )
        low, high = declared[name].minimum, declared[name].maximum
        if not low <= value <= high:
            text = f"{name} must be in [{low:g}, {high:g}], not {value:g}"
            raise ParameterOutOfRange(text, parameter=name, minimum=low, maximum=high)
    return {name: given.get(name, parameter.default) for name, parameter in declared.items()}
