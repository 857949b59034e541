"""`alservice import`: upload a file of items."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final, Literal, cast

import typer

from alservice.cli.choice import listed, one_of
from alservice.cli.connect import DEFAULT_ADDRESS, IN_FLAGS, Address, Tls, TlsCa, connect, told
from alservice.cli.failure import Misuse
from alservice.client import Client, Project, ServiceError, UploadResult, read_items
from alservice.client.columns import Columns, class_text
from alservice.client.errors import AlreadyExists
from alservice.client.item_file import DEFAULT_ID_COLUMN, ItemFile

ItemPath = Annotated[Path, typer.Argument(help="A file .npy, .npz or .csv.")]
ProjectId = Annotated[str, typer.Option("--project", "-p", help="The id of the project.")]
IdColumn = Annotated[str, typer.Option(help="The column of a .csv that holds the ids.")]
LabelColumn = Annotated[
    str | None,
    typer.Option(help="The column of a .csv that holds labels (by default `label`, if there)."),
]
Role = Annotated[
    str,
    typer.Option(
        metavar="pool|test|gold",
        callback=one_of("pool", "test", "gold"),
        help="What the items are for: to be labelled, to measure models, to check.",
    ),
]
OnConflict = Annotated[
    str,
    typer.Option(
        metavar="error|skip|replace",
        callback=one_of("error", "skip", "replace"),
        help="What to do with ids that exist already.",
    ),
]
Create = Annotated[
    bool, typer.Option("--create", help="Make the project and its classes where they lack.")
]
Classes = Annotated[
    list[str] | None,
    typer.Option(help="With --create: classes to make, `good,bad`, besides those of the file."),
]
VectorColumns = Annotated[
    list[str] | None,
    typer.Option(help="The columns of a .csv that are the vector, `x1,x2`; others are content."),
]
ContentColumns = Annotated[
    list[str] | None,
    typer.Option(help="The columns of a .csv that annotators see, `title,text`, even if numbers."),
]
WORDS: Final = {**IN_FLAGS, "CreateProject makes one": "pass --create to make it"}


def import_(
    file: ItemPath,
    project: ProjectId,
    id_column: IdColumn = DEFAULT_ID_COLUMN,
    label_column: LabelColumn = None,
    role: Role = "pool",
    on_conflict: OnConflict = "error",
    create: Create = False,
    classes: Classes = None,
    vector_columns: VectorColumns = None,
    content_columns: ContentColumns = None,
    address: Address = DEFAULT_ADDRESS,
    tls: Tls = False,
    tls_ca: TlsCa = None,
) -> None:
    """Upload items, and the labels they have already.

    A .npy file holds an array (items, dimension); ids are the row numbers. A .npz file holds X
    and perhaps y (labels) and ids. A .csv file has a header and a column of ids; columns of
    numbers are the vector, a column `label` the labels, all others what annotators see.

    A connection that breaks is taken up again where it broke.

    For example:

        alservice import vectors.npy --project reviews --create --classes good,bad

        alservice import reviews.csv --project reviews --id-column review_id
    """
    with told():
        vectors, contents = listed(vector_columns), listed(content_columns)
        items = read_items(
            file, id_column, label_column, vector_columns=vectors, content_columns=contents
        )
    typer.echo(f"{file}: {items.told}")
    if classes and not create:
        raise Misuse("--classes makes classes only together with --create")
    with connect(address, tls, tls_ca, WORDS) as client:
        made = _made(client, project, items, listed(classes) or []) if create else False
        _upload(client.project(project), items, role, on_conflict, made)


COMMAND = import_


def result_told(result: UploadResult) -> str:
    """What an upload or import has added, in one line."""
    skipped = f", {result.skipped_count:,} skipped" if result.skipped_count else ""
    replaced = f", {result.replaced_count:,} replaced" if result.replaced_count else ""
    labels = f", {result.label_count:,} labels"
    return f"{result.added_count:,} items added{replaced}{skipped}{labels}"


def _upload(project: Project, items: ItemFile, role: str, on_conflict: str, made: bool) -> None:
    """Adds the items; a project that was made for them does not outlive a failure."""
    try:
        result = project.add_items(
            items.vectors,
            items.ids,
            items.labels,
            roles=role,
            contents=items.contents,
            on_conflict=cast("Literal['error', 'skip', 'replace']", on_conflict),
        )
    except BaseException:
        if made:
            with suppress(ServiceError):
                project.delete()
        raise
    typer.echo(f"{project.project_id}: {result_told(result)}")
    if not project.info().classes:
        typer.echo(
            f"{project.project_id} has no classes yet, so nothing can be labelled: "
            "--create --classes good,bad --on-conflict skip adds some",
            err=True,
        )


def _made(client: Client, project_id: str, items: ItemFile, named: list[str]) -> bool:
    """Whether the project had to be made. It has all classes then, in any case."""
    Columns.of(items.vectors, items.ids, labels=items.labels)  # before anything is made
    labels = [] if items.labels is None else items.labels
    found = sorted({class_text(label) for label in labels} - {"", *named})
    wanted = [*dict.fromkeys(named), *found]
    try:
        client.create_project(project_id, wanted)
    except AlreadyExists:
        project = client.project(project_id)
        missing = [name for name in wanted if name not in project.info().classes]
        if missing:
            project.add_classes(missing)
        return False
    return True
