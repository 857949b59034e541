"""What is said about items that cannot be added."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from alservice.domain import errors
from alservice.domain.item import Attributes, ContentPart, ItemBlock
from alservice.domain.project import ClassLabel, DType, LabelSchema, VectorSpace
from alservice.usecases.check_items import (
    Shape,
    as_float32,
    check_item_ids,
    check_items,
    converted,
    shape_of,
)
from tests.usecases.items import block

SCHEMA = LabelSchema((ClassLabel("cat"), ClassLabel("dog")))
SHAPE = Shape(3, DType.F32)


def refused(items: ItemBlock, shape: Shape = SHAPE) -> errors.InvalidArgument:
    with pytest.raises(errors.InvalidArgument) as caught:
        check_items(items, shape, SCHEMA)
    return caught.value


def test_good_items_pass_unchanged() -> None:
    items = block(
        ["a", "b", "é\u2028 x"],
        roles=np.array([0, 1, 2], np.uint8),
        costs=np.array([1, 0.5, np.nan], np.float32),
        attributes=(Attributes("g", ("t",), (ContentPart(text="hi"),), '{"a":1}'),) * 3,
        class_ids=("cat", "", "dog"),
    )
    checked = check_items(items, SHAPE, SCHEMA)
    assert np.array_equal(checked.vectors, items.vectors)
    assert replace(checked, vectors=items.vectors) == items


@pytest.mark.parametrize("item_id", ["", "a\nb", "x" * 513, "\u0000", "é" * 257])
def test_an_id_that_is_no_id_is_named(item_id: str) -> None:
    assert isinstance(refused(block(["fine", item_id])), errors.InvalidItemId)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=4) | st.text("a\x7f\x1f ~")))
def test_ids_together_are_refused_as_the_first_bad_one_alone(item_ids: list[str]) -> None:
    alone = filter(None, (refusal([item_id]) for item_id in item_ids))
    assert refusal(item_ids) == next(alone, None)


def refusal(item_ids: list[str]) -> str | None:
    """What is said of ids; None if nothing is."""
    try:
        check_item_ids(item_ids)
    except errors.InvalidItemId as error:
        return str(error)
    return None


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_first_item_with_a_number_that_is_none_is_named(bad: float) -> None:
    items = block(["a", "b", "c"])
    items.vectors[1:, 2] = bad
    error = refused(items)
    assert isinstance(error, errors.NonFiniteVector)
    assert error.metadata["item_id"] == "b"


def test_a_number_too_large_for_the_space_is_refused_and_not_made_infinite() -> None:
    items = block(["a", "b"])
    items.vectors[1, 0] = 1e9
    error = refused(items, Shape(3, DType.F16))
    assert isinstance(error, errors.NonFiniteVector)
    assert error.metadata["item_id"] == "b"


def test_another_dimension_is_refused_with_both_numbers() -> None:
    error = refused(block(["a"]), Shape(4, DType.F32))
    assert isinstance(error, errors.DimensionMismatch)
    assert (error.metadata["dimension"], error.metadata["got"]) == ("4", "3")


@pytest.mark.parametrize("cost", [0.0, -1.0, np.inf])
def test_a_cost_that_is_not_greater_than_nothing_is_refused(cost: float) -> None:
    error = refused(block(["a", "b"], costs=np.array([1, cost], np.float32)))
    assert error.metadata["item_id"] == "b"


def test_an_unknown_class_is_refused_with_the_closest_one() -> None:
    error = refused(block(["a", "b"], class_ids=("", "catt")))
    assert isinstance(error, errors.ClassUnknown)
    assert error.metadata["did_you_mean"] == "cat"


def test_an_unknown_role_is_refused() -> None:
    assert refused(block(["a"], roles=np.array([9], np.uint8))).metadata["field"] == "role"


@pytest.mark.parametrize(
    "column",
    [
        {"roles": np.zeros(1, np.uint8)},
        {"costs": np.ones(3, np.float32)},
        {"attributes": (Attributes(),)},
        {"class_ids": ("cat",)},
        {"vectors": np.zeros((1, 3), np.float32)},
    ],
)
def test_a_column_of_another_length_is_named(column: dict[str, Any]) -> None:
    error = refused(replace(block(["a", "b"]), **column))
    assert error.metadata["field"] == next(iter(column))


@pytest.mark.parametrize(
    ("attributes", "field"),
    [
        (Attributes(metadata_json='"' + "x" * 65536 + '"'), "metadata"),
        (Attributes(metadata_json='"' + "é" * 32768 + '"'), "metadata"),
        (Attributes(tags=("t",) * 257), "tags"),
        (Attributes(content=(ContentPart(text="t"),) * 65), "content.parts"),
        (Attributes(content=(ContentPart(),)), "content.parts"),
        (Attributes(content=(ContentPart(text="t", uri="u"),)), "content.parts"),
        (Attributes(content=(ContentPart(text="é" * 32769),)), "content.text"),
        (Attributes(content=(ContentPart(uri="u" * 8193),)), "content.uri"),
        (Attributes(content=(ContentPart(inline=b"x" * 65537),)), "content.inline"),
        (Attributes(content=(ContentPart("m" * 256, text="t"),)), "content.media_type"),
    ],
)
def test_attributes_past_a_limit_are_refused(attributes: Attributes, field: str) -> None:
    assert refused(block(["a"], attributes=(attributes,))).metadata["field"] == field


def test_the_first_upload_decides_what_the_space_leaves_open() -> None:
    assert shape_of(block(["a"]), VectorSpace()) == Shape(3, DType.F32)
    assert shape_of(block(["a"]), VectorSpace(dtype=DType.F16)) == Shape(3, DType.F16)
    assert shape_of(block(["a"]), VectorSpace(dimension=5)) == Shape(5, DType.F32)


def test_vectors_may_be_missing_only_where_the_project_says_so() -> None:
    bare = replace(block(["a"]), vectors=np.zeros((1, 0), np.float32))
    assert shape_of(bare, VectorSpace(dimension=0)).dimension == 0
    assert check_items(bare, Shape(0, DType.F32), SCHEMA).vectors.shape == (1, 0)
    with pytest.raises(errors.DimensionMismatch, match="dimension 0"):
        shape_of(bare, VectorSpace())


def test_a_vector_past_the_limit_is_refused() -> None:
    huge = replace(block(["a"]), vectors=np.zeros((1, 65_537), np.float32))
    with pytest.raises(errors.LimitExceeded):
        shape_of(huge, VectorSpace())


@given(
    hnp.arrays(np.float32, (4, 3), elements=st.floats(-1000, 1000, width=16)),
    st.sampled_from(DType),
    st.sampled_from(DType),
)
def test_numbers_survive_formats_to_their_precision(
    numbers: np.ndarray[tuple[int, int], np.dtype[np.float32]], first: DType, second: DType
) -> None:
    there = converted(numbers, DType.F32, first)
    back = as_float32(converted(there, first, second), second)
    assert np.allclose(back, numbers, rtol=2**-7, atol=1e-6)
