"""Rows of tables come in parts by their real size, however long their texts are."""

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import feather, parquet

from alservice.domain.source import SourceColumns
from alservice.storage.imports import ImportRoots
from alservice.storage.imports.assemble import BLOCK_BYTES
from alservice.storage.imports.tables import text_bytes

TYPES: Final = {
    "string": pa.string(),
    "large": pa.large_string(),
    "view": pa.string_view(),
    "dictionary": pa.dictionary(pa.int32(), pa.string()),
}


@given(texts=st.lists(st.none() | st.text()), name=st.sampled_from(sorted(TYPES)), data=st.data())
def test_the_size_of_each_text(texts: list[str | None], name: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(texts)))
    if name == "dictionary":
        column = pa.array(texts, pa.string()).dictionary_encode()
    else:
        column = pa.array(texts, TYPES[name])
    column = column.slice(start)
    sizes = text_bytes(column)
    wanted = [None if text is None else len(text.encode()) for text in texts[start:]]
    # What is missing takes next to nothing; of a dictionary it is counted as any of it.
    got = [None if n is None else size for n, size in zip(wanted, sizes.tolist(), strict=True)]
    assert got == wanted


def test_numbers_are_no_texts() -> None:
    assert text_bytes(pa.array([1, None, 3])).tolist() == [0, 0, 0]


@settings(max_examples=20)
@given(
    lengths=st.lists(st.sampled_from([0, 10, 300_000, 700_000, 1_500_000]), max_size=12),
    ending=st.sampled_from([".parquet", ".arrow"]),
    start=st.integers(0, 3),
)
def test_no_block_has_more_than_a_mebibyte_of_texts_but_for_single_rows(
    lengths: list[int], ending: str, start: int
) -> None:
    lengths = [5, 5, 5, *lengths]
    columns: dict[str, Any] = {
        "id": [str(row) for row in range(len(lengths))],
        "text": ["x" * length for length in lengths],
        "X": [[1.0, 2.0]] * len(lengths),
    }
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"a{ending}"
        if ending == ".parquet":
            parquet.write_table(pa.table(columns), path)
        else:
            feather.write_feather(pa.table(columns), path)
        with closing(ImportRoots.of([folder]).open(str(path), SourceColumns())) as source:
            blocks = list(source.blocks(start))
    sizes = [_text_sizes(block) for block in blocks]
    assert [size for part in sizes for size in part] == lengths[start:]
    assert all(sum(part) <= BLOCK_BYTES or len(part) == 1 for part in sizes)


def _text_sizes(block: Any) -> list[int]:
    return [sum(len(part.text) for part in each.content) for each in block.attributes]


def test_few_rows_of_parquet_are_held_where_their_texts_are_large(tmp_path: Path) -> None:
    rows = 1_000
    texts = [f"{row:020}" * 1_000 for row in range(rows)]  # 20 MB
    table = pa.table({"id": list(range(rows)), "a.text": texts})
    # In small pages: by itself pyarrow puts 1,024 values into one, and into the dictionary.
    path = tmp_path / "a.parquet"
    parquet.write_table(table, path, use_dictionary=False, write_batch_size=16)
    del table, texts
    roots = ImportRoots.of([str(tmp_path)])
    before, held = pa.total_allocated_bytes(), 0
    with closing(roots.open(str(path), SourceColumns(text="a.text"))) as source:
        for block in source.blocks():
            held = max(held, pa.total_allocated_bytes() - before)
            assert len(block) <= BLOCK_BYTES // 20_000
    assert 0 < held < 14 << 20  # a batch of 8 MiB, and its pages


def test_a_long_text_that_many_rows_share_is_held_once(tmp_path: Path) -> None:
    rows, text = 2_000, "x" * 60_000  # 120 MB, of which pyarrow writes some kilobytes
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"id": list(range(rows)), "a.text": [text] * rows}), path)
    assert path.stat().st_size < 1 << 20
    before, held = pa.total_allocated_bytes(), 0
    with closing(
        ImportRoots.of([str(tmp_path)]).open(str(path), SourceColumns(text="a.text"))
    ) as source:
        for block in source.blocks():
            held = max(held, pa.total_allocated_bytes() - before)
            assert _text_sizes(block) == [60_000] * len(block)
            assert len(block) <= BLOCK_BYTES // 60_000
    assert 0 < held < 4 << 20


def test_different_texts_are_not_held_for_a_whole_row_group(tmp_path: Path) -> None:
    rows = 50_000
    texts = [f"{row:020}" * 25 for row in range(rows)]  # 25 MB, most of it beside the dictionary
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"id": list(range(rows)), "text": texts}), path)
    before, held = pa.total_allocated_bytes(), 0
    with closing(ImportRoots.of([str(tmp_path)]).open(str(path), SourceColumns())) as source:
        for block in source.blocks():
            held = max(held, pa.total_allocated_bytes() - before)
            assert len(block)
    assert 0 < held < 14 << 20


@settings(max_examples=40)
@given(
    texts=st.lists(st.none() | st.sampled_from(["", "a", "b", "c" * 90]) | st.text(max_size=9)),
    encoding=st.sampled_from(["", "PLAIN", "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"]),
    name=st.sampled_from(sorted(TYPES)),
    data=st.data(),
)
def test_texts_are_read_whatever_their_encoding(
    texts: list[str | None], encoding: str, name: str, data: st.DataObject
) -> None:
    if name == "dictionary":
        encoding = ""  # which pyarrow itself does not read where it is another one
    texts = [*texts, "last"]
    start = data.draw(st.integers(0, len(texts) - 1))
    table = pa.table({"id": [str(row) for row in range(len(texts))], "text": texts})
    table = table.set_column(1, "text", table["text"].cast(TYPES[name]))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.parquet"
        parquet.write_table(
            table,
            path,
            row_group_size=data.draw(st.sampled_from([1, 3, 1000])),
            use_dictionary=not encoding,
            column_encoding={"text": encoding} if encoding else None,
            dictionary_pagesize_limit=data.draw(st.sampled_from([8, 1 << 20])),
            write_batch_size=2,
        )
        with closing(ImportRoots.of([folder]).open(str(path), SourceColumns())) as source:
            got = [part for block in source.blocks(start) for part in _texts(block)]
    assert got == [text or "" for text in texts[start:]]


def _texts(block: Any) -> list[str]:
    return ["".join(part.text for part in each.content) for each in block.attributes]
