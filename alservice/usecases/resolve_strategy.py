"""Find the strategy a request names, with its parameters, or say what there is."""

from collections.abc import Mapping, Sequence

from alservice.domain.errors import (
    ParameterOutOfRange,
    ParameterUnknown,
    StrategyUnknown,
    did_you_mean,
)
from alservice.domain.strategy import Parameter, Strategy


def resolve_strategy(known: Mapping[str, Strategy], name: str) -> Strategy:
    """The strategy of that name. Raises StrategyUnknown."""
    if name not in known:
        text = f"no strategy is called {name!r}; there are: {', '.join(sorted(known))}"
        raise StrategyUnknown(text, strategy=name, **did_you_mean(name, known))
    return known[name]


def resolve_parameters(
    name: str, parameters: Sequence[Parameter], given: Mapping[str, float]
) -> dict[str, float]:
    """Every one of `parameters`, given or default; `name` is what has them.

    Raises ParameterUnknown, ParameterOutOfRange.
    """
    declared = {parameter.name: parameter for parameter in parameters}
    for key, value in given.items():
        if key not in declared:
            has = ", ".join(sorted(declared)) or "none"
            text = f"{name} has no parameter {key!r}; it has: {has}"
            raise ParameterUnknown(
                text, parameter=key, strategy=name, **did_you_mean(key, declared)
            )
        low, high = declared[key].minimum, declared[key].maximum
        if not low <= value <= high:
            text = f"{key} must be in [{low:g}, {high:g}], not {value:g}"
            raise ParameterOutOfRange(text, parameter=key, minimum=low, maximum=high)
    return {key: given.get(key, parameter.default) for key, parameter in declared.items()}
