"""ListStrategies: what this server knows how to choose by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alservice.domain.call import Call
from alservice.domain.strategy import Strategy
from alservice.domain.strategy_version import at_effective_version


@dataclass(frozen=True, slots=True)
class ListStrategiesCommand:
    """All of them."""


@dataclass(frozen=True, slots=True)
class ListStrategies:
    """Raises nothing."""

    strategies: Mapping[str, Strategy]

    def __call__(self, call: Call, command: ListStrategiesCommand) -> Sequence[Strategy]:
        """The strategies, by name, each at the version that projects pin."""
        known = self.strategies
        return [at_effective_version(known, known[name]) for name in sorted(known)]
