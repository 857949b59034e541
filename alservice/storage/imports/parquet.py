"""Parquet: row groups, of which only the wanted columns are read, page by page."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from alservice.domain.source import SourceColumns
from alservice.storage.imports.assemble import readable
from alservice.storage.imports.raw import RawFile, Window
from alservice.storage.imports.tables import TableSource, arrow

_BUFFER_BYTES: Final = 1 << 20
_BATCH_BYTES: Final = 8 << 20


def open_parquet(raw: RawFile, uri: str, asked: SourceColumns) -> TableSource:
    """The source. Raises ImportUnavailable, SourceInvalid, InvalidField."""
    arrow()
    from pyarrow import parquet  # noqa: PLC0415 (an option, and slow)

    def opened() -> Any:
        # Buffered: pages come one by one, where otherwise a row group would be read whole.
        return parquet.ParquetFile(Window(raw), buffer_size=_BUFFER_BYTES, pre_buffer=False)

    def batches(names: Sequence[str], start: int, step: int) -> Iterator[Any]:
        file = opened()
        sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
        group, skip = 0, start
        while group < len(sizes) and skip >= sizes[group]:
            skip -= sizes[group]
            group += 1
        if group == len(sizes):
            return
        groups = list(range(group, len(sizes)))
        columns = list(names)
        for batch in file.iter_batches(
            _fewer(step, file.metadata, columns),
            row_groups=groups,
            columns=columns,
            use_threads=False,
        ):
            yield batch.slice(min(skip, batch.num_rows))
            skip = max(0, skip - batch.num_rows)

    with readable(uri):
        file = opened()
        schema, count = file.schema_arrow, file.metadata.num_rows
    return TableSource(raw, uri, schema, count, batches, asked)


def _fewer(step: int, metadata: Any, names: Sequence[str]) -> int:
    """As many rows, or fewer where the texts of a row group are large, as the file says.

    What its writer put into one page, or into the dictionary of a row group, is read at once
    nevertheless.
    """
    texts = _text_leaves(metadata.schema, names)
    largest = 1
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        size = sum(group.column(leaf).total_uncompressed_size for leaf in texts)
        largest = max(largest, size // max(group.num_rows, 1))
    return max(1, min(step, _BATCH_BYTES // largest))


def _text_leaves(schema: Any, names: Sequence[str]) -> list[int]:
    """Where the named columns of texts are: the size of a number needs no looking up."""
    leaves = map(schema.column, range(len(schema)))
    roots = tuple(f"{name}." for name in names)
    return [
        number
        for number, leaf in enumerate(leaves)
        if leaf.physical_type == "BYTE_ARRAY" and f"{leaf.path}.".startswith(roots)
    ]
