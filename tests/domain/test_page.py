"""Pages hold everything once, and tokens come back as they went or not at all."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alservice.domain import errors
from alservice.domain.page import (
    cut_page,
    decode_token,
    encode_token,
    last_number,
    last_text,
    page_limit,
)

POSITIONS = st.lists(st.text(max_size=20) | st.integers(), min_size=1, max_size=4)


@given(kind=st.text(max_size=20), position=POSITIONS)
def test_a_token_holds_its_position_for_its_own_call_only(
    kind: str, position: list[str | int]
) -> None:
    token = encode_token(kind, *position)
    assert token.isascii() and not set(token) & set("+/=")
    assert decode_token(kind, token) == position
    with pytest.raises(errors.InvalidPageToken):
        decode_token(kind + "x", token)


@given(token=st.text(min_size=1, max_size=60))
def test_no_text_breaks_the_reader_of_tokens(token: str) -> None:
    with pytest.raises(errors.InvalidPageToken):
        decode_token("List", token)


@given(content=st.binary(min_size=1, max_size=60))
def test_no_content_breaks_the_reader_of_tokens(content: bytes) -> None:
    with pytest.raises(errors.InvalidPageToken):
        decode_token("List", base64.urlsafe_b64encode(content).decode())


def test_a_token_nested_without_end_is_refused() -> None:
    with pytest.raises(errors.InvalidPageToken):
        decode_token("List", base64.urlsafe_b64encode(b"[" * 100_000).decode())


@given(count=st.integers(0, 30), limit=st.integers(1, 10))
def test_all_pages_together_hold_each_row_once(count: int, limit: int) -> None:
    rows = [f"{i:02}" for i in range(count)]
    found: list[str] = []
    token = ""
    while True:
        after = last_text("List", token, "here")
        page = cut_page(
            "List", [r for r in rows if r > after][: limit + 1], limit, lambda r: ("here", r)
        )
        found += page.rows
        token = page.next_token
        if not token:
            break
        assert len(page.rows) == limit
    assert found == rows


@pytest.mark.parametrize("position", [("there", "a"), ("a",), ("here", 1), ("here", "a", "b")])
def test_a_token_of_another_list_is_refused(position: tuple[str | int, ...]) -> None:
    with pytest.raises(errors.InvalidPageToken):
        last_text("List", encode_token("List", *position), "here")


def test_no_page_size_means_fifty_and_more_than_a_thousand_is_refused() -> None:
    assert [page_limit(size) for size in (0, 1, 1_000)] == [50, 1, 1_000]
    for size in (-1, 1_001):
        with pytest.raises(errors.InvalidField):
            page_limit(size)


@given(last=st.integers(0, 2**63 - 1))
def test_a_number_comes_back_in_its_own_list_and_nothing_else_does(last: int) -> None:
    assert last_number("List", "", "here") == 0
    assert last_number("List", encode_token("List", "here", last), "here") == last
    for wrong in (("there", last), ("here", str(last)), ("here", -1 - last), (last,), ("here",)):
        with pytest.raises(errors.InvalidPageToken):
            last_number("List", encode_token("List", *wrong), "here")


def test_a_list_may_have_longer_pages() -> None:
    assert page_limit(0, 7, 9) == 7 and page_limit(9, 7, 9) == 9
    with pytest.raises(errors.InvalidField):
        page_limit(10, 7, 9)
