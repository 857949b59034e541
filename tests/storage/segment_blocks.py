"""Made-up items for tests of segments: every dtype, odd texts, columns that may be missing."""

from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from alservice.domain.item import EMPTY_ATTRIBUTES, Attributes, ContentPart, ItemBlock
from alservice.domain.project import DType
from alservice.domain.segment import Segment, SegmentState
from alservice.ports.segments import Sealed, SegmentStore

NUMPY_OF = {DType.F32: np.float32, DType.F16: np.float16, DType.BF16: np.uint16}
Rows = tuple[ItemBlock, NDArray[np.int64]]

# Everything that UTF-8 can say: the store does not judge ids, the use case does.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
parts = st.builds(
    ContentPart,
    media_type=texts,
    text=st.none() | texts,
    uri=st.none() | texts,
    inline=st.none() | st.binary(max_size=20),
)
attributes = st.just(EMPTY_ATTRIBUTES) | st.builds(
    Attributes,
    group=texts,
    tags=st.lists(texts, max_size=3).map(tuple),
    content=st.lists(parts, max_size=2).map(tuple),
    metadata_json=st.sampled_from(["", '{"a": 1.0}', '{"b":["é", null]}']),
)


@st.composite
def blocks(draw: st.DrawFn, dimension: int, dtype: DType, max_rows: int = 9) -> Rows:
    """A block and its incarnations."""
    n = draw(st.integers(0, max_rows))
    block = ItemBlock(
        item_ids=draw(st.tuples(*[texts] * n)),
        vectors=draw(hnp.arrays(NUMPY_OF[dtype], (n, dimension))),
        dtype=dtype,
        roles=draw(st.none() | hnp.arrays(np.uint8, n, elements=st.integers(0, 2))),
        costs=draw(st.none() | hnp.arrays(np.float32, n, elements=st.floats(width=32))),
        attributes=draw(st.none() | st.tuples(*[attributes] * n)),
        class_ids=draw(st.none() | st.tuples(*[texts] * n)),
    )
    return block, draw(hnp.arrays(np.int64, n))


@st.composite
def segments(draw: st.DrawFn) -> tuple[list[Rows], int, DType]:
    """The blocks of a segment that has at least one item, their dimension and dtype."""
    dimension, dtype = draw(st.sampled_from([0, 1, 3, 16, 33])), draw(st.sampled_from(DType))
    some = st.lists(blocks(dimension, dtype), min_size=1, max_size=4)
    return draw(some.filter(lambda each: any(len(b) for b, _ in each))), dimension, dtype


def plain_block(rows: int, dimension: int = 8, prefix: str = "item") -> Rows:
    """Float32 vectors and ids, and nothing else."""
    vectors = np.random.default_rng(rows).standard_normal((rows, dimension), np.float32)
    ids = tuple(f"{prefix}-{i}" for i in range(rows))
    return ItemBlock(ids, vectors, DType.F32), np.ones(rows, np.int64)


def catalog_row(segment_id: str, sealed: Sealed, *, inline: bool = False) -> Segment:
    """What the catalog would say about a segment."""
    return Segment(
        segment_id=segment_id,
        project_id="birds",
        space_id="default",
        state=SegmentState.LIVE,
        rows=sealed.rows,
        live_rows=sealed.rows,
        size_bytes=sealed.size_bytes,
        crc32c=sealed.crc32c,
        inline=inline,
    )


def write(
    store: SegmentStore, segment_id: str, rows: list[Rows], dimension: int, dtype: DType
) -> Segment:
    """Append blocks and seal."""
    writer = store.writer(segment_id, dimension, dtype)
    for block, incarnations in rows:
        writer.append(block, incarnations)
    return catalog_row(segment_id, writer.seal())


def write_plain(store: SegmentStore, segment_id: str, rows: int = 20) -> Segment:
    """A segment of `plain_block`."""
    return write(store, segment_id, [plain_block(rows)], 8, DType.F32)


def file_of(folder: Path, segment: Segment) -> Path:
    """Where the local store keeps a segment."""
    return folder / f"{segment.segment_id}.safetensors"
