"""`alservice export-labels`: the answers of a project as CSV or JSON lines."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, TextIO

import typer

from alservice.cli.connect import DEFAULT_ADDRESS, Address, Tls, TlsCa, connect
from alservice.cli.failure import Misuse
from alservice.client import Label

COLUMNS: Final = [field.name for field in fields(Label)]


def export_labels(
    project: Annotated[str, typer.Argument(help="The id of the project.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="A file .csv or .jsonl (by default standard output, as CSV)."
        ),
    ] = None,
    settled: Annotated[
        bool, typer.Option("--settled", help="Only answers that count: at most one per item.")
    ] = False,
    address: Address = DEFAULT_ADDRESS,
    tls: Tls = False,
    tls_ca: TlsCa = None,
) -> None:
    """Write the labels of a project, oldest first.

    For example:

        alservice export-labels reviews --settled --output labels.csv

        alservice export-labels reviews > log.csv
    """
    if output is not None and output.suffix.lower() not in WRITERS:
        raise Misuse(f"{output} should end in {' or '.join(WRITERS)}")
    if output is not None and not output.parent.is_dir():
        raise Misuse(f"{output}: there is no folder {output.parent}")
    with connect(address, tls, tls_ca) as client:
        labels = client.project(project).labels(settled=settled)
        if output is None:
            _write_csv(sys.stdout, labels)
        else:
            typer.echo(f"{output}: {_write(output, labels):,} labels", err=True)


COMMAND = export_labels


def _write(output: Path, labels: Iterable[Label]) -> int:
    """Writes the file as a whole or not at all; returns the number of labels."""
    part = output.with_name(f"{output.name}.part")
    try:
        with part.open("w", newline="", encoding="utf-8") as file:
            count = WRITERS[output.suffix.lower()](file, labels)
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
    return count


def _write_csv(file: TextIO, labels: Iterable[Label]) -> int:
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    count = 0
    for count, row in enumerate(_rows(labels), start=1):  # noqa: B007 (counts)
        writer.writerow(row)
    return count


def _write_jsonl(file: TextIO, labels: Iterable[Label]) -> int:
    count = 0
    for count, row in enumerate(_rows(labels), start=1):  # noqa: B007 (counts)
        file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return count


def _rows(labels: Iterable[Label]) -> Iterator[dict[str, Any]]:
    for label in labels:
        row = {name: getattr(label, name) for name in COLUMNS}
        time = row["create_time"]
        yield row | {"create_time": time.isoformat() if isinstance(time, datetime) else None}


WRITERS: Final = {".csv": _write_csv, ".jsonl": _write_jsonl}
