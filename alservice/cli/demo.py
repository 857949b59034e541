"""`alservice demo`: watch the service learn, and count the labels it saves."""

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from alservice.cli.connect import told
from alservice.cli.failure import Failure, Misuse
from alservice.client import Client
from alservice.client.progress import bar, is_watched
from alservice.demo.contest import CONTROL, Contest, affordable, compare
from alservice.demo.labelled import Labelled, digits, labelled_file
from alservice.demo.own_server import ServerDidNotStart, own_server
from alservice.demo.picture import draw
from alservice.demo.table import table, write_csv

LEAST_ROUNDS: Final = 2


Data = Annotated[
    Path | None, typer.Option(help="Your own labelled file, .npz, .csv or .npy; default: digits.")
]
Labels = Annotated[
    Path | None, typer.Option(help="The labels for a .npy file of vectors, .npy too.")
]
LabelColumn = Annotated[
    str | None, typer.Option(help="The labels of a .csv file; by default `label`.")
]
Strategy = Annotated[str, typer.Option(help="What to compare with random draws.")]
Seeds = Annotated[int, typer.Option(min=1, max=100, help="How often to repeat.")]
Budget = Annotated[int, typer.Option(min=2, help="Labels to spend in each game.")]
BatchSize = Annotated[int, typer.Option(min=1, max=10_000, help="Labels in a round.")]
Output = Annotated[
    Path, typer.Option("--output", "-o", help="Folder for the picture and the numbers.")
]


def demo(
    data: Data = None,
    labels: Labels = None,
    label_column: LabelColumn = None,
    strategy: Strategy = "auto",
    seeds: Seeds = 3,
    budget: Budget = 400,
    batch_size: BatchSize = 20,
    output: Output = Path("out"),
) -> None:
    """Watch the service learn with a fraction of the labels.

    Starts a server on this machine, uploads data whose answers are known, and plays the annotator
    with them: query, label, train, again. The same with random draws as control, over several
    seeds. Accuracy is the service's own measurement on 30 % of the items, which are never queried.
    Every label that was handed out counts, those for the service's audit too.

    For example:

        alservice demo

        alservice demo --data reviews.csv --label-column sentiment --seeds 5
    """
    if strategy == CONTROL:
        raise Misuse("random is the control: choose another strategy, such as margin")
    with told():
        known = digits() if data is None else labelled_file(data, labels, label_column)
        output.mkdir(parents=True, exist_ok=True)
    contest = Contest(strategy, seeds, _budget(known, budget, batch_size), batch_size)
    try:
        with told(), own_server() as address:
            _run(address, known, contest, output)
    except ServerDidNotStart as error:
        raise Failure(str(error)) from error


COMMAND = demo


def _budget(data: Labelled, budget: int, batch_size: int) -> int:
    """What can be spent; says so if it is less than was asked for. Raises Misuse."""
    spent = affordable(data, budget)
    if spent < LEAST_ROUNDS * batch_size:
        raise Misuse(
            f"{len(data.classes):,} labelled items and a budget of {budget} are too few for "
            f"{LEAST_ROUNDS} rounds of {batch_size}: try a smaller --batch-size or more data"
        )
    if spent < budget:
        typer.echo(f"spending {spent} labels instead of {budget}: half of the pool", err=True)
    return spent


def _run(address: str, data: Labelled, contest: Contest, output: Path) -> None:
    seeds = "1 seed" if contest.seeds == 1 else f"{contest.seeds} seeds"
    items = f"{len(data.classes):,} {data.title}, {seeds}"
    typer.echo(f"{items}: {contest.strategy} against {CONTROL}, {contest.budget} labels each")
    shown = is_watched(None)
    with (
        Client(address, progress=False) as client,
        bar("learning", contest.label_count, shown=shown) as report,
    ):
        comparison = compare(client, data, contest, report)
    picture = output / "demo.png"
    draw(comparison, f"{data.title}: {contest.strategy} against {CONTROL}", picture)
    write_csv(comparison, output / "demo.csv")
    console = Console()
    console.print(table(comparison))
    typer.echo(f"accuracy on test items, mean ± sd over seeds; picture: {picture.resolve()}")
    typer.echo(comparison.verdict())
