"""Arrow IPC files (.arrow, .feather): record batches, read one after the other."""

from collections.abc import Iterator, Sequence
from typing import Any

from alservice.domain.source import SourceColumns
from alservice.storage.imports.arrow_footer import batch_rows
from alservice.storage.imports.assemble import readable
from alservice.storage.imports.raw import RawFile, Window
from alservice.storage.imports.tables import TableSource, arrow


def open_arrow(raw: RawFile, uri: str, asked: SourceColumns) -> TableSource:
    """The source. Raises ImportUnavailable, SourceInvalid, InvalidField."""
    arrow()
    from pyarrow import ipc  # noqa: PLC0415 (an option, and slow)

    with readable(uri):
        schema = ipc.open_file(Window(raw)).schema
        sizes = batch_rows(raw)

    def batches(names: Sequence[str], start: int, _step: int) -> Iterator[Any]:
        # To pyarrow an empty list means all of them.
        fields = sorted(schema.get_field_index(name) for name in names) or [0]
        options = ipc.IpcReadOptions(included_fields=fields, use_threads=False)
        file = ipc.open_file(Window(raw), options=options)
        skip = start
        for number, size in enumerate(sizes):
            if skip < size:
                yield file.get_batch(number).slice(skip)
            skip = max(0, skip - size)

    return TableSource(raw, uri, schema, sum(sizes), batches, asked)
