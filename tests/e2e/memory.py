"""What earlier states have shown, and later ones must not contradict."""

from dataclasses import dataclass, field

from tests.e2e.found import FoundLabel


@dataclass(slots=True)
class Memory:
    """What earlier states have shown, and later ones must not contradict."""

    log: tuple[FoundLabel, ...] = ()
    lives: dict[tuple[str, int], int] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    revision: int = 0
