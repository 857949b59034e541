"""`alservice simulate`: replay labelled data and see which strategy saves labels."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from alservice.cli.choice import one_of
from alservice.cli.connect import told
from alservice.cli.failure import Failure, Misuse
from alservice.client.progress import bar, is_watched
from alservice.config import available_threads

if TYPE_CHECKING:
    from alservice.simulation.comparison import Comparison
    from alservice.simulation.protocol import Protocol
    from alservice.simulation.tournament import Result

PROTOCOLS: Final = ("free", "A", "B", "C")
JUDGES: Final = ("logistic", "svm")
_INTERRUPTED: Final = 130

Files = Annotated[list[Path], typer.Argument(help="Labelled sets: .npz, .csv or .parquet.")]
Strategies = Annotated[
    list[str] | None,
    typer.Option(
        "--strategy",
        "-s",
        help="What plays; repeat it. `margin`, `entropy+power`, `typiclust:neighbours=10`, "
        "`name=margin`, or a function of yours: `mine.py:choose`.",
    ),
]
ProtocolName = Annotated[
    str, typer.Option("--protocol", "-p", callback=one_of(*PROTOCOLS), help="A, B, C or free.")
]
Seeds = Annotated[int, typer.Option(min=1, help="How often to repeat.")]
Batch = Annotated[int | None, typer.Option(min=1, max=10_000, help="Labels in a round.")]
Start = Annotated[int | None, typer.Option(min=1, max=10_000, help="Labels in the first round.")]
Drawn = Annotated[int | None, typer.Option(min=0, help="Labels given before the first round.")]
Budget = Annotated[int | None, typer.Option(min=2, help="Labels in all.")]
Judge = Annotated[
    str | None, typer.Option(help="The model that is judged: logistic or svm (RBF, gamma 1/d).")
]
JudgeC = Annotated[float | None, typer.Option("--judge-c", min=1e-6, help="Its penalty C.")]
Standardise = Annotated[
    bool | None, typer.Option(help="Scale every column by the pool's mean and deviation.")
]
Model = Annotated[
    str,
    typer.Option(
        callback=one_of("judge", "service"),
        help="What scores in Query: the judge's fitted model, or what the service trains itself.",
    ),
]
OwnModel = Annotated[
    bool, typer.Option("--own-model", help="Also measure the model that the service trains.")
]
LearnerName = Annotated[str, typer.Option(help="The service's learner.")]
Audit = Annotated[bool, typer.Option("--audit", help="Leave reserve and audit on.")]
Flip = Annotated[float, typer.Option(min=0, max=1, help="Share of answers that are wrong.")]
Duplicate = Annotated[
    float, typer.Option(min=0, max=1, help="Share of the pool that is there twice.")
]
Zipf = Annotated[
    bool, typer.Option("--zipf", help="Make the r-th class of the pool 1/r as large.")
]
Reference = Annotated[str, typer.Option(help="What the others are compared with.")]
LabelColumn = Annotated[
    str | None, typer.Option(help="The labels of a .csv or .parquet file; by default `label`.")
]
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes at work.")]
Output = Annotated[
    Path, typer.Option("--output", "-o", help="Folder for the report; finished games stay in it.")
]
Json = Annotated[bool, typer.Option("--json", help="Write the report to standard output as JSON.")]


def simulate(
    files: Files,
    strategy: Strategies = None,
    protocol: ProtocolName = "free",
    seeds: Seeds = 10,
    batch: Batch = None,
    start: Start = None,
    drawn: Drawn = None,
    budget: Budget = None,
    judge: Judge = None,
    judge_c: JudgeC = None,
    standardise: Standardise = None,
    model: Model = "judge",
    own_model: OwnModel = False,
    learner: LearnerName = "logistic",
    audit: Audit = False,
    flip: Flip = 0.0,
    duplicate: Duplicate = 0.0,
    zipf: Zipf = False,
    reference: Reference = "random",
    label_column: LabelColumn = None,
    jobs: Jobs = None,
    output: Output = Path("simulation"),
    json: Json = False,
) -> None:
    """Replay labelled data and see which strategy saves labels.

    Every query goes through the service itself, in processes of its own without a server. What a
    strategy chose trains one fixed model, the judge, whose accuracy on held-out items is the
    score. Interrupted, it goes on where it was when it is called again. For example:

        alservice simulate reviews.npz -s margin -s entropy+power -s mine.py:choose
    """
    _simulate(_Wish(**locals()))


COMMAND = simulate


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """All options of the command, by name."""

    files: list[Path]
    strategy: list[str] | None
    protocol: str
    seeds: int
    batch: int | None
    start: int | None
    drawn: int | None
    budget: int | None
    judge: str | None
    judge_c: float | None
    standardise: bool | None
    model: str
    own_model: bool
    learner: str
    audit: bool
    flip: float
    duplicate: float
    zipf: bool
    reference: str
    label_column: str | None
    jobs: int | None
    output: Path
    json: bool


def _simulate(wish: _Wish) -> None:
    from alservice.simulation.dataset import Variant  # noqa: PLC0415 (slow to import)
    from alservice.simulation.game import Options  # noqa: PLC0415

    options = Options(
        model=wish.model, own_curve=wish.own_model, audit=wish.audit, learner=wish.learner
    )
    with _in_one_line():
        comparison = _comparison(
            wish.files,
            wish.label_column,
            _protocol(wish),
            _competitors(wish.strategy, wish.reference),
        )
    comparison = replace(
        comparison,
        seeds=tuple(range(wish.seeds)),
        variant=Variant(flip=wish.flip, duplicate=wish.duplicate, zipf=wish.zipf),
        options=options,
        reference=wish.reference,
    )
    _run(comparison, wish.output, wish.jobs or available_threads(), json=wish.json)


def _protocol(wish: _Wish) -> "Protocol":
    """The protocol with what was said otherwise."""
    from alservice.simulation.protocol import PROTOCOLS as KNOWN  # noqa: PLC0415

    if wish.judge is not None and wish.judge not in JUDGES:
        raise Misuse(f"--judge: {wish.judge!r} is not one of {', '.join(JUDGES)}")
    sizes = {name: getattr(wish, name) for name in ("batch", "start", "drawn", "budget")}
    given: dict[str, Any] = {key: value for key, value in sizes.items() if value is not None}
    found = replace(KNOWN[wish.protocol], **given)
    _check_sizes(found)
    if wish.standardise is not None:
        found = replace(found, standardise=wish.standardise)
    spec = found.judge
    spec = replace(spec, kind=wish.judge or spec.kind, C=wish.judge_c or spec.C)
    return replace(found, judge=spec)


def _check_sizes(protocol: "Protocol") -> None:
    """The budget pays for at least one whole batch."""
    first = "start" if protocol.start else "batch"
    size = protocol.drawn + getattr(protocol, first)
    if protocol.budget and protocol.budget < size:
        given = f" and --drawn {protocol.drawn}" if protocol.drawn else ""
        sizes = f"--{first} {getattr(protocol, first)}{given}"
        raise Misuse(f"--budget {protocol.budget} is less than {sizes}: it pays for no batch")


def _competitors(strategy: list[str] | None, reference: str) -> list[str]:
    """What was named, with the reference; by default the default strategy."""
    from alservice.domain.project import Policy  # noqa: PLC0415 (slow to import)

    # Commas separate parameters here, not strategies.
    named = strategy or [Policy().strategy]
    return named if reference in named else [*named, reference]


def _comparison(
    files: list[Path], label_column: str | None, protocol: "Protocol", wanted: list[str]
) -> "Comparison":
    from alservice.simulation.comparison import (  # noqa: PLC0415 (slow to import)
        Comparison,
        checked,
        source_of,
    )
    from alservice.simulation.competitor import Competitor  # noqa: PLC0415

    competitors = checked([Competitor.parse(text) for text in wanted])
    return Comparison(
        sources=tuple(source_of(path, label_column, protocol) for path in files),
        protocol=protocol,
        competitors=competitors,
        seeds=(),
    )


@contextmanager
def _in_one_line() -> Iterator[None]:
    """Refusals of the service and of foreign strategies as a Misuse."""
    from alservice.domain.errors import AlserviceError  # noqa: PLC0415 (slow to import)
    from alservice.simulation.competitor import CompetitorFailed  # noqa: PLC0415

    try:
        with told():
            yield
    except (AlserviceError, CompetitorFailed) as error:
        raise Misuse(str(error)) from error


def _run(comparison: "Comparison", output: Path, jobs: int, *, json: bool) -> None:
    from alservice.simulation.comparison import write  # noqa: PLC0415 (slow to import)
    from alservice.simulation.export import as_json  # noqa: PLC0415
    from alservice.simulation.words import counted  # noqa: PLC0415

    games = len(comparison.games())
    try:
        with told(), bar("playing", games, shown=is_watched(None)) as report:
            result = comparison.play(output, min(jobs, games), report)
    except KeyboardInterrupt:
        typer.echo(f"interrupted; call it again to go on: {output / 'games.jsonl'}", err=True)
        raise typer.Exit(_INTERRUPTED) from None
    played = [outcome for outcome in result.outcomes if not outcome.skipped]
    for text in result.failures.values():
        typer.echo(f"failed: {text}", err=True)
    if not played:
        raise Failure("no game was played to its end")
    with told():
        summary = write(comparison, result, output)
    if json:
        typer.echo(as_json(summary, comparison.title()))
    else:
        _show(comparison, result, output)
    failed = len({who for _, who in result.failures})
    if failed:
        raise Failure(f"{counted(failed, 'competitor')} failed; the report names them")


def _show(comparison: "Comparison", result: "Result", output: Path) -> None:
    from rich.console import Console  # noqa: PLC0415 (slow to import)

    from alservice.simulation.table import show, tables  # noqa: PLC0415
    from alservice.simulation.words import counted  # noqa: PLC0415

    show(tables(comparison.summary(result)), Console())
    if result.resumed:
        typer.echo(f"played before: {counted(result.resumed, 'game')}")
    typer.echo(f"report: {(output / 'report.html').resolve()}")
