"""Parquet: row groups, of which only the wanted columns are read, page by page."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from alservice.domain.source import SourceColumns
from alservice.storage.imports.assemble import readable
from alservice.storage.imports.raw import RawFile, Window
from alservice.storage.imports.tables import TableSource, arrow

_BUFFER_BYTES: Final = 1 << 20
_BATCH_BYTES: Final = 8 << 20
_DICTIONARIES: Final = frozenset({"PLAIN_DICTIONARY", "RLE_DICTIONARY"})
# What pyarrow reads as a dictionary: of texts in another encoding it says "not yet implemented".
_FOLDING: Final = _DICTIONARIES | {"PLAIN", "RLE", "BIT_PACKED"}


def open_parquet(raw: RawFile, uri: str, asked: SourceColumns) -> TableSource:
    """The source. Raises ImportUnavailable, SourceInvalid, InvalidField."""
    arrow()
    from pyarrow import parquet  # noqa: PLC0415 (an option, and slow)

    def opened(folded: Sequence[str] = ()) -> Any:
        # Buffered: pages come one by one, where otherwise a row group would be read whole.
        return parquet.ParquetFile(
            Window(raw),
            buffer_size=_BUFFER_BYTES,
            pre_buffer=False,
            read_dictionary=list(folded),
        )

    def batches(names: Sequence[str], start: int, step: int) -> Iterator[Any]:
        texts = _text_leaves(metadata.schema, names)
        file = opened(_folded(metadata, texts))
        sizes = [group.num_rows for group in _groups(metadata)]
        group, skip = 0, start
        while group < len(sizes) and skip >= sizes[group]:
            skip -= sizes[group]
            group += 1
        if group == len(sizes):
            return
        groups = list(range(group, len(sizes)))
        for batch in file.iter_batches(
            _fewer(step, metadata, texts),
            row_groups=groups,
            columns=list(names),
            use_threads=False,
        ):
            yield batch.slice(min(skip, batch.num_rows))
            skip = max(0, skip - batch.num_rows)

    with readable(uri):
        file = opened()
        schema, metadata = file.schema_arrow, file.metadata
    return TableSource(raw, uri, schema, metadata.num_rows, batches, asked)


def _folded(metadata: Any, texts: Sequence[int]) -> list[str]:
    """Of the columns of texts those that are to stay dictionaries, as the file has them.

    One text of a megabyte may stand for that of each row: unfolded, a small file would be
    gigabytes. Not those with much in any row group: of what follows a dictionary that was full,
    as different texts do, pyarrow makes one for the rest of the group, and holds that. Nor what
    DELTA_BYTE_ARRAY folds, which pyarrow cannot read so.
    """

    def folded(leaf: int) -> bool:
        parts = [group.column(leaf) for group in _groups(metadata)]
        used = {code for part in parts for code in part.encodings}
        small = all(part.total_uncompressed_size <= _BATCH_BYTES for part in parts)
        return small and used <= _FOLDING and not used.isdisjoint(_DICTIONARIES)

    return [metadata.schema.column(leaf).path for leaf in texts if folded(leaf)]


def _groups(metadata: Any) -> Iterator[Any]:
    return map(metadata.row_group, range(metadata.num_row_groups))


def _fewer(step: int, metadata: Any, texts: Sequence[int]) -> int:
    """As many rows, or fewer where the texts of a row group are large, as the file says.

    What its writer put into one page, or into the dictionary of a row group, is read at once
    nevertheless.
    """
    largest = 1
    for group in _groups(metadata):
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
