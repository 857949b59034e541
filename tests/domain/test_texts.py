"""Lengths of many texts, beside the length of each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alservice.domain.texts import byte_lengths

TEXTS = st.lists(st.text(st.characters(codec="utf-8"), max_size=6) | st.text("\0aé", max_size=3))


@given(TEXTS)
def test_lengths_are_those_of_each_text_in_utf_8(texts: list[str]) -> None:
    data, lengths = byte_lengths(texts)
    assert lengths.tolist() == [len(text.encode()) for text in texts]
    assert data.tobytes() == "\0".join(texts).encode()


def test_half_a_character_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        byte_lengths(["a", "\ud800"])
