"""`alservice import`: upload a file of items."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from alservice.cli.connect import DEFAULT_ADDRESS, Address, connect
from alservice.client import Client, Project, UploadResult, read_items
from alservice.client.columns import class_text
from alservice.client.item_file import DEFAULT_ID_COLUMN, ItemFile

ItemPath = Annotated[Path, typer.Argument(help="A file .npy, .npz or .csv.")]
ProjectId = Annotated[str, typer.Option("--project", "-p", help="The id of the project.")]
IdColumn = Annotated[str, typer.Option(help="The column of a .csv that holds the ids.")]
LabelColumn = Annotated[
    str | None,
    typer.Option(help="The column of a .csv that holds labels (by default `label`, if there)."),
]
Role = Annotated[
    Literal["pool", "test", "gold"],
    typer.Option(help="What the items are for: to be labelled, to measure models, to check."),
]
OnConflict = Annotated[
    Literal["error", "skip", "replace"],
    typer.Option(help="What to do with ids that exist already."),
]
Create = Annotated[
    bool, typer.Option("--create", help="Make the project and its classes where they lack.")
]


def import_(
    file: ItemPath,
    project: ProjectId,
    id_column: IdColumn = DEFAULT_ID_COLUMN,
    label_column: LabelColumn = None,
    role: Role = "pool",
    on_conflict: OnConflict = "error",
    create: Create = False,
    address: Address = DEFAULT_ADDRESS,
) -> None:
    """Upload items, and the labels they have already.

    A .npy file holds an array (items, dimension); ids are the row numbers. A .npz file holds X
    and perhaps y (labels) and ids. A .csv file has a header and a column of ids; columns of
    numbers are the vector, a column `label` the labels, all others what annotators see.

    A connection that breaks is taken up again where it broke.

    For example:

        alservice import vectors.npy --project reviews --create

        alservice import reviews.csv --project reviews --id-column review_id
    """
    with connect(address) as client:
        items = read_items(file, id_column, label_column)
        typer.echo(f"{file}: {items.told}")
        target = _created(client, project, items) if create else client.project(project)
        result = target.add_items(
            items.vectors,
            items.ids,
            items.labels,
            roles=role,
            contents=items.contents,
            on_conflict=on_conflict,
        )
    typer.echo(f"{project}: {_told(result)}")


COMMAND = import_


def _told(result: UploadResult) -> str:
    skipped = f", {result.skipped_count:,} skipped" if result.skipped_count else ""
    replaced = f", {result.replaced_count:,} replaced" if result.replaced_count else ""
    labels = f", {result.label_count:,} labels"
    return f"{result.added_count:,} items added{replaced}{skipped}{labels}"


def _created(client: Client, project_id: str, items: ItemFile) -> Project:
    """The project, with every class that the file names."""
    labels = [] if items.labels is None else items.labels
    classes = sorted({class_text(label) for label in labels} - {""})
    project = client.create_project(project_id, classes=[], exist_ok=True)
    missing = [name for name in classes if name not in project.info().classes]
    if missing:
        project.add_classes(missing)
    return project
