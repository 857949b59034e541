import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alservice.api.v1 import item_pb2
from alservice.client.columns import CHUNK_BYTES, MAX_CHUNK_BYTES, Columns

TEXTS = st.lists(st.text(max_size=8), max_size=40)


def joined(columns: Columns, start: int, max_rows: int) -> item_pb2.ItemColumns:
    """All messages from `start` on, as if they were one."""
    whole = item_pb2.ItemColumns()
    for offset, message in columns.messages(start, max_rows):
        assert offset == start + len(whole.item_ids)
        assert size_of(columns, message) <= MAX_CHUNK_BYTES or len(message.item_ids) == 1
        whole.MergeFrom(message)
    return whole


def size_of(columns: Columns, message: item_pb2.ItemColumns) -> int:
    """With its vectors."""
    return message.ByteSize() + len(message.item_ids) * columns.row_bytes


@given(contents=TEXTS, start=st.integers(0, 40), max_rows=st.integers(1, 50))
def test_messages_hold_every_item_from_the_start_once_and_in_order(
    contents: list[str], start: int, max_rows: int
) -> None:
    count = len(contents)
    vectors = np.arange(3 * count, dtype=np.float32).reshape(count, 3)
    columns = Columns.of(
        vectors,
        [f"i{row}" for row in range(count)],
        contents=contents,
        costs=np.arange(count),
        groups=list(range(count)),
        labels=[None] * count,
        roles="test",
    )
    whole = joined(columns, start, max_rows)
    assert list(whole.item_ids) == [f"i{row}" for row in range(start, count)]
    assert not whole.HasField("vectors")
    assert [content.parts[0].text for content in whole.contents] == contents[start:]
    assert list(whole.costs) == list(range(start, count))
    assert list(whole.groups) == [str(row) for row in range(start, count)]
    assert set(whole.class_ids) <= {""} and set(whole.roles) <= {item_pb2.ROLE_TEST}


def test_long_contents_are_spread_over_messages_that_the_service_takes() -> None:
    columns = Columns.of(np.zeros((200, 2)), None, contents=["x" * 60_000] * 200)
    assert len(joined(columns, 0, 20_000).item_ids) == 200


def test_chunks_of_plain_vectors_are_about_a_mebibyte() -> None:
    columns = Columns.of(np.zeros((10_000, 384), np.float32), None)
    sizes = [size_of(columns, message) for _, message in columns.messages()]
    assert all(0.8 * CHUNK_BYTES < size < 1.2 * CHUNK_BYTES for size in sizes[:-1])


@pytest.mark.parametrize(
    ("given_", "told"),
    [
        ({"vectors": np.zeros(3), "ids": None}, r"shape \(items, dimension\)"),
        ({"vectors": np.zeros((2, 2, 2)), "ids": None}, r"reshape"),
        ({"vectors": np.array([["a"]]), "ids": None}, "numbers"),
        ({"vectors": None, "ids": None}, "pass X, or ids"),
        ({"vectors": np.zeros((2, 2)), "ids": ["a"]}, "ids has 1 entries for 2 items"),
        ({"vectors": np.zeros((2, 2)), "ids": None, "labels": ["a"]}, "labels has 1"),
        ({"vectors": np.zeros((2, 2)), "ids": None, "groups": "ab"}, "groups must hold one entry"),
    ],
)
def test_columns_that_do_not_fit_are_refused_before_anything_is_sent(
    given_: dict[str, object], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        Columns.of(**given_)  # type: ignore[arg-type]


@pytest.mark.parametrize("label", [1.5, True, b"x"])
def test_a_label_without_one_obvious_text_is_refused(label: object) -> None:
    columns = Columns.of(np.zeros((1, 2)), None, labels=[label])
    with pytest.raises(TypeError, match="a label must be text or a whole number"):
        list(columns.messages())


def test_an_unknown_role_names_the_choices() -> None:
    columns = Columns.of(np.zeros((1, 2)), None, roles=["tset"])
    with pytest.raises(ValueError, match="one of gold, pool, test"):
        list(columns.messages())
