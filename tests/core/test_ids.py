"""Hashes that are written into files, and finding ids by them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from alservice.core import (
    common_ids,
    find_ids,
    hash_ids,
    keyed_hash,
    repeated_ids,
    sort_hashes,
)
from alservice.core.ids import IdIndex

IDS = st.lists(st.text(alphabet="abé", max_size=3), max_size=30)


def _strings(ids: list[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    raw = [i.encode() for i in ids]
    offsets = np.cumsum([0] + [len(r) for r in raw]).astype(np.int64)
    return np.frombuffer(b"".join(raw), np.uint8), offsets


def _index(ids: list[str], mask: int = 2**64 - 1) -> IdIndex:
    """An index whose hashes may be made to collide."""
    id_hash = hash_ids(*_strings(ids)) & np.uint64(mask)
    return id_hash, sort_hashes(id_hash), *_strings(ids)


def test_hashes_are_what_they_were_on_the_first_day() -> None:
    got = hash_ids(*_strings(["", "a", "item-000001", "é" * 200]))
    assert [int(h) for h in got] == [
        0x2D06800538D394C2,
        0xE6C632B61E964E1F,
        0xED70B3666FF173A2,
        0x827DF6856E9FFDE7,
    ]


@given(st.lists(st.integers(0, 2**64 - 1), max_size=20), st.integers(0, 2**64 - 1))
def test_the_keyed_hash_is_the_documented_formula(hashes: list[int], key: int) -> None:
    def mix(x: int) -> int:
        x = (x + 0x9E3779B97F4A7C15) % 2**64
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        x = (x ^ x >> 27) * 0x94D049BB133111EB % 2**64
        return x ^ x >> 31

    got = keyed_hash(np.array(hashes, np.uint64), key)
    assert [int(h) for h in got] == [mix(h ^ mix(key)) for h in hashes]


@given(st.lists(st.integers(0, 9), max_size=40))
def test_sorting_is_by_hash_then_row(hashes: list[int]) -> None:
    array = np.array(hashes, np.uint64)
    np.testing.assert_array_equal(sort_hashes(array), np.argsort(array, kind="stable"))


@given(IDS, IDS, st.sampled_from([0, 1, 2**64 - 1]))
def test_an_id_is_found_at_its_last_row(ids: list[str], asked: list[str], mask: int) -> None:
    last = {item: row for row, item in enumerate(ids)}
    got = find_ids(
        *_index(ids, mask), hash_ids(*_strings(asked)) & np.uint64(mask), *_strings(asked)
    )
    assert got.tolist() == [last.get(item, -1) for item in asked]


def test_a_lookup_does_not_read_the_whole_index() -> None:
    id_hash, order, id_bytes, offsets = _index([str(n) for n in range(1000)])
    others = np.full_like(offsets, -1)
    others[500:502] = offsets[500:502]
    asked = _strings(["500"])
    got = find_ids(id_hash, order, id_bytes, others, hash_ids(*asked), *asked)
    assert got.tolist() == [500]
    with pytest.raises(ValueError, match="offsets"):
        hash_ids(id_bytes, others)


@given(IDS, IDS, st.sampled_from([0, 1, 2**64 - 1]))
def test_common_ids_are_the_equal_pairs(a: list[str], b: list[str], mask: int) -> None:
    want = [[i, j] for i, x in enumerate(a) for j, y in enumerate(b) if x == y]
    assert common_ids(_index(a, mask), _index(b, mask)).tolist() == want


@given(IDS, st.sampled_from([0, 1, 2**64 - 1]))
def test_repeated_ids_are_those_seen_before(ids: list[str], mask: int) -> None:
    want = [row for row, item in enumerate(ids) if item in ids[:row]]
    assert repeated_ids(*_index(ids, mask)).tolist() == want
