"""`alservice import-uri`: have the server import a file that lies where it may read."""

from typing import Annotated, Literal, cast

import typer

from alservice.cli.choice import listed
from alservice.cli.connect import DEFAULT_ADDRESS, IN_FLAGS, Address, Tls, TlsCa, connect
from alservice.cli.import_ import OnConflict, ProjectId, result_told
from alservice.client import ImportOptions

Uri = Annotated[
    str,
    typer.Argument(help="The file: an absolute path as the server sees it, or s3://bucket/key."),
]
IdColumn = Annotated[str, typer.Option(help="The column or array that holds the ids.")]
LabelColumn = Annotated[
    str, typer.Option(help="The one of the labels that exist already; `-`: import none.")
]
VectorColumns = Annotated[
    list[str] | None,
    typer.Option(help="The array or column of vectors, or columns of numbers: `x1,x2`."),
]
TextColumn = Annotated[str, typer.Option(help="The column that annotators see.")]
IdPrefix = Annotated[str, typer.Option(help="What ids begin with that are made from row numbers.")]
Wait = Annotated[bool, typer.Option(help="Wait until it is done; else name the operation.")]


def import_uri(
    uri: Uri,
    project: ProjectId,
    id_column: IdColumn = "",
    label_column: LabelColumn = "",
    vector_columns: VectorColumns = None,
    text_column: TextColumn = "",
    id_prefix: IdPrefix = "",
    on_conflict: OnConflict = "error",
    wait: Wait = True,
    address: Address = DEFAULT_ADDRESS,
    tls: Tls = False,
    tls_ca: TlsCa = None,
) -> None:
    """Import a file that the server reads itself, from below its --import-roots.

    .npy, .npz, .safetensors, .parquet, .arrow or .feather. Columns are found by their usual names:
    X or vector, id, label, text, uri, group, cost, role. All items become visible at once, at the
    end. Ctrl-C stops the waiting, not the work.

    For example:

        alservice import-uri s3://bucket/inbox/pool.parquet --project reviews
    """
    options = ImportOptions(
        ids=id_column,
        labels=label_column,
        vectors=listed(vector_columns) or [],
        texts=text_column,
        id_prefix=id_prefix,
        on_conflict=cast("Literal['error', 'skip', 'replace']", on_conflict),
    )
    with connect(address, tls, tls_ca, IN_FLAGS) as client:
        importing = client.project(project).import_items(uri, wait=False, **options)
        told = f"{project}: {result_told(importing.wait())}" if wait else importing.name
        typer.echo(told)


COMMAND = import_uri
