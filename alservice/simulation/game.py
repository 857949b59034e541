"""What one replay is: a set, a protocol, a competitor and a seed; and what came of it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from alservice.simulation.competitor import Competitor
from alservice.simulation.dataset import Variant
from alservice.simulation.protocol import Protocol

_VERSION: Final = 1  # grows when the same game would be played differently


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that holds a set; `digest` is that of what it holds."""

    path: Path
    label_column: str | None
    name: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the service takes part.

    `model` is "judge": the judge's fitted model is deployed and scores, or "service": the
    service's own learner is trained after each batch. `own_curve` also measures the service's own
    model in the first case. `audit` leaves reserve and audit on.
    """

    model: str = "judge"
    own_curve: bool = False
    audit: bool = False
    learner: str = "logistic"

    @property
    def trains(self) -> bool:
        """Whether the service's learner is trained after each batch."""
        return self.own_curve or self.model == "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Game:
    """One replay, all said."""

    source: Source
    protocol: Protocol
    competitor: Competitor
    seed: int
    variant: Variant = field(default_factory=Variant)
    options: Options = field(default_factory=Options)

    @property
    def set_name(self) -> str:
        """The set, and what was made harder about it."""
        name = self.source.name
        return name if self.variant.plain else f"{name} ({self.variant})"

    def key(self) -> str:
        """A short hash of everything that decides the outcome, but not where the file is."""
        said = [
            _VERSION,
            self.source.digest,
            asdict(self.protocol),
            asdict(self.variant),
            asdict(self.competitor),
            asdict(self.options),
            self.seed,
        ]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:20]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a game. `skipped` says why it was not played; then the rest is empty.

    `label_counts`, `accuracies` by the judge and `own` by the service's model (empty if not
    asked for) have one entry per batch; `picks` are rows of the set in the order of asking, after
    `drawn` that everybody was given.
    """

    key: str
    set_name: str
    competitor: str
    seed: int
    label_counts: list[int] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    drawn: list[int] = field(default_factory=list)
    picks: list[int] = field(default_factory=list)
    seconds: float = 0.0
    skipped: str = ""

    def as_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """Undo `as_json`. Raises TypeError for other fields."""
        return cls(**fields)
