"""Which version of a strategy people rely on: its own, and those of all that it is made of."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, TypeVar

from alservice.domain.strategy import Ensemble, Schedule, Selecting, Strategy

S = TypeVar("S", bound=Strategy)
#: More than the versions of all parts together: a new version of its own outweighs them.
OWN: Final = 1000


def effective_version(known: Mapping[str, Strategy], strategy: Strategy) -> int:
    """A number that grows whenever the strategy, or anything it is made of, has a new version.

    Its own version, if it has no parts; else `OWN` times that, plus the versions of all its
    parts, their parts among them, each once. A strategy that gets other parts must get a new
    version of its own.
    """
    parts = _all_parts(known, strategy)
    if not parts:
        return strategy.version
    return OWN * strategy.version + sum(known[name].version for name in parts)


def at_effective_version(known: Mapping[str, Strategy], strategy: S) -> S:
    """The strategy as it is told of: projects pin this version and batches name it."""
    return replace(strategy, version=effective_version(known, strategy))


def _all_parts(known: Mapping[str, Strategy], strategy: Strategy) -> set[str]:
    found: set[str] = set()
    left = _parts(strategy)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left |= _parts(known[name])
    return found


def _parts(strategy: Strategy) -> set[str]:
    """The names in it: whose turn it is, who diversifies, whose scores it takes."""
    if isinstance(strategy, Schedule):
        names = {name for step in strategy.steps for name in (step.strategy, step.diversify)}
    elif isinstance(strategy, Ensemble):
        names = {*strategy.members, strategy.final}
    else:
        names = {strategy.scores} if isinstance(strategy, Selecting) else set()
    return names - {""}
