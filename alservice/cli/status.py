"""`alservice status`: what there is on a server, as a table."""

from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from alservice.cli.connect import DEFAULT_ADDRESS, Address, connect
from alservice.client import Client, Metric, Model, Project, ProjectInfo

# Which measurement to show, the most trustworthy first.
BASES: Final = ("test", "audit", "selected_cv")
UNWATCHED_WIDTH: Final = 120  # columns, where nobody watches
SHOWN_MODELS: Final = 10


def status(
    project: Annotated[
        str | None, typer.Argument(help="The id of one project; by default all.")
    ] = None,
    address: Address = DEFAULT_ADDRESS,
) -> None:
    """Show the projects of a server, or one project with its models.

    For example:

        alservice status

        alservice status reviews
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=UNWATCHED_WIDTH)
    with connect(address) as client:
        if project is None:
            _show_all(client, console)
        else:
            _show_one(client.project(project), console)


COMMAND = status


def _show_all(client: Client, console: Console) -> None:
    table = _table("project", "items", "labels", "leased", "strategy", "model", "accuracy")
    for listed in client.projects():
        project = client.project(listed.project_id)
        info = project.info()
        model = project.model() if info.active_model else None
        table.add_row(info.project_id, *_counts(info), info.policy.strategy, *_quality(model))
    if table.row_count:
        console.print(table)
    else:
        console.print("no projects yet: `alservice import FILE --project NAME --create` makes one")


def _show_one(project: Project, console: Console) -> None:
    info = project.info()
    items, labels, leased = _counts(info)
    console.print(f"{info.project_id}: {items} items, {labels} labels, {leased} leased")
    console.print(f"classes: {', '.join(info.classes) or 'none yet'}", soft_wrap=True)
    vectors = f"{info.dimension} × {info.dtype}" if info.dimension else "none yet"
    console.print(f"vectors: {vectors}; strategy: {info.policy.strategy}")
    table = _table("model", "state", "labels", "metric", "basis", "value", "95 %")
    for _, model in zip(range(SHOWN_MODELS), project.models(), strict=False):
        head = (model.model_id, _state(model), f"{model.label_count:,}")
        for metric in model.metrics:
            table.add_row(*head, *_measured(metric))
        if not model.metrics:
            table.add_row(*head)
    if table.row_count:
        console.print(table)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        right = column in {"items", "labels", "leased", "value"}
        table.add_column(column, justify="right" if right else "left", no_wrap=True)
    return table


def _counts(info: ProjectInfo) -> tuple[str, str, str]:
    if info.stats is None:
        return "?", "?", "?"
    return (
        f"{info.stats.item_count:,}",
        f"{info.stats.settled_count:,}",
        f"{info.stats.leased_count:,}",
    )


def _quality(model: Model | None) -> tuple[str, str]:
    """The model's id and its accuracy on the most trustworthy basis."""
    if model is None:
        return "-", "-"
    metrics = (model.metric("accuracy", basis) for basis in BASES)
    best = next((metric for metric in metrics if metric is not None), None)
    return model.model_id, "-" if best is None else f"{best.value:.3f} ({best.basis})"


def _state(model: Model) -> str:
    return f"{model.state}, active" if model.active else model.state


def _measured(metric: Metric) -> tuple[str, str, str, str]:
    interval = f"{metric.low:.3f} to {metric.high:.3f}"
    return metric.name, metric.basis, f"{metric.value:.3f}", interval
