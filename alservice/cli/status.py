"""`alservice status`: what there is on a server, as a table."""

from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from alservice.cli.connect import DEFAULT_ADDRESS, Address, Tls, TlsCa, connect
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
    tls: Tls = False,
    tls_ca: TlsCa = None,
) -> None:
    """Show the projects of a server, or one project with its models.

    For example:

        alservice status

        alservice status reviews
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=UNWATCHED_WIDTH)
    with connect(address, tls, tls_ca) as client:
        if project is None:
            _show_all(client, console)
        else:
            _show_one(client.project(project), console)


COMMAND = status


def _show_all(client: Client, console: Console) -> None:
    counts = ("items", "labels", "leased")
    table = _table("project", *counts, "strategy", "model", "accuracy", "95 %", "n")
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
    table = _table("model", "state", "labels", "metric", "basis", "value", "95 %", "n")
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
        right = column in {"items", "labels", "leased", "value", "n"}
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


def _quality(model: Model | None) -> tuple[str, str, str, str]:
    """The model's id and its accuracy on the most trustworthy basis, with interval and labels."""
    if model is None:
        return "-", "-", "-", "-"
    metrics = (model.metric("accuracy", basis) for basis in BASES)
    best = next((metric for metric in metrics if metric is not None), None)
    if best is None:
        return model.model_id, "-", "-", "-"
    _, basis, value, interval, count = _measured(best)
    return model.model_id, f"{value} ({basis})", interval, count


def _state(model: Model) -> str:
    return f"{model.state}, active" if model.active else model.state


def _measured(metric: Metric) -> tuple[str, str, str, str, str]:
    interval = f"{metric.low:.3f} to {metric.high:.3f}"
    count = f"{metric.sample_count:,}"
    return metric.name, metric.basis, f"{metric.value:.3f}", interval, count
