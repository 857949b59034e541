"""Item ids as hashes: making them, sorting them, and finding ids by them.

Ids are stored as one run of UTF-8 bytes (b,) with offsets (n + 1,); `order` is what
`sort_hashes` gives. A lookup always compares the bytes, so that colliding hashes do no harm.
"""

import numpy as np
from numpy.typing import NDArray

from alservice.core import _native
from alservice.core.arrays import checked, checked_u64

Bytes = NDArray[np.uint8]
Offsets = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Order = NDArray[np.uint32]
Rows = NDArray[np.int64]
#: (id_hash, order, id_bytes, offsets)
IdIndex = tuple[Hashes, Order, Bytes, Offsets]


def hash_ids(id_bytes: Bytes, offsets: Offsets) -> Hashes:
    """XXH3-64, seed 0, of each id's bytes: (n,). Written into files; the same for ever.

    Raises ValueError for offsets that do not ascend within the bytes.
    """
    return _native.hash_ids(*_strings("", id_bytes, offsets))


def keyed_hash(id_hash: Hashes, key: int) -> Hashes:
    """`mix(hash ^ mix(key))` per hash, with the finaliser of SplitMix64; the same for ever.

    mix(x): x += 0x9e3779b97f4a7c15; x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb; x ^ x >> 31, modulo 2**64
    (Steele, Lea and Flood, OOPSLA 2014). A bijection for each key.
    """
    return _native.keyed_hash(checked("id_hash", id_hash, np.uint64, 1), checked_u64("key", key))


def sort_hashes(id_hash: Hashes) -> Order:
    """Find the permutation (n,) that sorts by (hash, row); n < 2**32."""
    return _native.sort_hashes(checked("id_hash", id_hash, np.uint64, 1))


def find_ids(
    id_hash: Hashes,
    order: Order,
    id_bytes: Bytes,
    offsets: Offsets,
    query_hash: Hashes,
    query_bytes: Bytes,
    query_offsets: Offsets,
) -> Rows:
    """Find the row of each asked id: (m,), -1 where absent, the last where it is repeated."""
    return _native.find_ids(
        _index("", (id_hash, order, id_bytes, offsets)),
        checked("query_hash", query_hash, np.uint64, 1),
        *_strings("query_", query_bytes, query_offsets),
    )


def common_ids(a: IdIndex, b: IdIndex) -> Rows:
    """List the pairs (row in a, row in b) with equal ids: (m, 2), ascending."""
    return _native.common_ids(_index("a.", a), _index("b.", b))


def repeated_ids(id_hash: Hashes, order: Order, id_bytes: Bytes, offsets: Offsets) -> Rows:
    """List the rows whose id occurred at a lower row already: (m,), ascending."""
    return _native.repeated_ids(_index("", (id_hash, order, id_bytes, offsets)))


def _strings(prefix: str, id_bytes: object, offsets: object) -> tuple[Bytes, Offsets]:
    return (
        checked(f"{prefix}bytes", id_bytes, np.uint8, 1),
        checked(f"{prefix}offsets", offsets, np.int64, 1),
    )


def _index(prefix: str, index: IdIndex) -> IdIndex:
    id_hash, order, id_bytes, offsets = index
    return (
        checked(f"{prefix}id_hash", id_hash, np.uint64, 1),
        checked(f"{prefix}order", order, np.uint32, 1),
        *_strings(prefix, id_bytes, offsets),
    )
