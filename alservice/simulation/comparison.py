"""A whole comparison: which games there are, and what is written about them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from alservice import strategies
from alservice.domain.strategy import Ensemble, Schedule, Selecting, Strategy
from alservice.simulation.competitor import Competitor, foreign_stamp, load
from alservice.simulation.dataset import Variant
from alservice.simulation.export import as_json, per_seed_csv
from alservice.simulation.game import Game, Options, Source
from alservice.simulation.journal import Journal
from alservice.simulation.page import page
from alservice.simulation.protocol import Protocol, prepare, schedule
from alservice.simulation.reading import read_dataset
from alservice.simulation.statistics import Summary, summarise
from alservice.simulation.tournament import Result, play_all
from alservice.usecases.plan_choice import Asked, check_asked
from alservice.usecases.resolve_strategy import resolve_strategy

RANDOM: Final = "random"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Sets × competitors × seeds under one protocol."""

    sources: tuple[Source, ...]
    protocol: Protocol
    competitors: tuple[Competitor, ...]
    seeds: tuple[int, ...]
    variant: Variant = field(default_factory=Variant)
    options: Options = field(default_factory=Options)
    reference: str = RANDOM

    def games(self) -> list[Game]:
        """Set by set and seed by seed, so that what is there early is comparable."""
        return [
            Game(
                source=source,
                protocol=self.protocol,
                competitor=competitor,
                seed=seed,
                variant=self.variant,
                options=self.options,
            )
            for source in self.sources
            for seed in self.seeds
            for competitor in self.competitors
        ]

    def play(self, folder: Path, jobs: int, report: Callable[[int, str], None]) -> Result:
        """Play what `folder` does not have yet; see `play_all`."""
        return play_all(self.games(), Journal(folder), jobs, report)

    def summary(self, result: Result) -> Summary:
        """What the outcomes say, and who failed."""
        return summarise(result.outcomes, self.protocol.curve, self.reference, result.failures)

    def title(self) -> str:
        """What is compared, in a few words."""
        sets = ", ".join(source.name for source in self.sources[:3])
        more = f" and {len(self.sources) - 3} more" if len(self.sources) > 3 else ""
        how = "" if self.protocol.name == "free" else f", protocol {self.protocol.name}"
        return f"Strategies on {sets}{more}{how}"


def source_of(path: Path, label_column: str | None, protocol: Protocol) -> Source:
    """The set in a file, checked against the protocol. Raises ValueError, OSError."""
    data = read_dataset(path, label_column)
    split = prepare(data, protocol, 0)
    if not schedule(protocol, len(split.answers), split.class_count).sizes:
        raise ValueError(f"{data.name}: a budget of {protocol.budget} leaves nothing to choose")
    return Source(
        path=path.resolve(), label_column=label_column, name=data.name, digest=data.digest()
    )


def checked(competitors: Sequence[Competitor]) -> tuple[Competitor, ...]:
    """The competitors, stamped; misspelt names are refused before anything runs.

    Raises ValueError, CompetitorFailed, StrategyUnknown, ParameterUnknown, ParameterOutOfRange,
    InvalidField.
    """
    labels = [competitor.label for competitor in competitors]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)}: two competitors have the same name")
    known = strategies.discover()
    return tuple(replace(each, stamp=_stamp(known, each)) for each in competitors)


def _stamp(known: Mapping[str, Strategy], competitor: Competitor) -> str:
    if competitor.foreign:
        load(competitor.foreign)
        return foreign_stamp(competitor.foreign)
    strategy = resolve_strategy(known, competitor.strategy)
    asked = Asked(
        strategy=strategy, diversify=competitor.diversify, parameters=competitor.parameters
    )
    check_asked(known, asked)
    return "+".join(_said(known, part) for part in (strategy, known.get(competitor.diversify)))


def _said(known: Mapping[str, Strategy], strategy: Strategy | None) -> str:
    """Its version and those of its parts, with what a schedule tells them."""
    parts: list[str] = []
    if isinstance(strategy, Schedule):
        for step in strategy.steps:
            told = [f"{name}={value:g}" for name, value in sorted(step.parameters.items())]
            names = [known[step.strategy], known.get(step.diversify)]
            parts += [*(_said(known, each) for each in names if each), *told]
    elif isinstance(strategy, Ensemble):
        parts = [_said(known, known[name]) for name in (*strategy.members, strategy.final)]
    elif isinstance(strategy, Selecting) and strategy.scores:
        parts = [_said(known, known[strategy.scores])]
    return f"{strategy.name}.{strategy.version}({','.join(parts)})" if strategy else ""


def write(
    comparison: Comparison, result: Result, folder: Path, most_points: int | None = None
) -> Summary:
    """Write report.html, report.json and per_seed.csv; the summary. Raises OSError.

    Curves have at most `most_points`.
    """
    summary = comparison.summary(result)
    if most_points:
        summary = summary.thinned(most_points)
    folder.mkdir(parents=True, exist_ok=True)
    title = comparison.title()
    texts = {
        "report.html": page(summary, title),
        "report.json": as_json(summary, title),
        "per_seed.csv": per_seed_csv(result.outcomes, comparison.protocol.curve),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return summary
