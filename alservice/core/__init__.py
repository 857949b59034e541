"""The only door to the Rust core: typed, shape-checked functions over NumPy arrays."""

from alservice.core._native import CancelFlag, Cancelled, build_info
from alservice.core.blocks import Block, Ranked
from alservice.core.engine import Engine, NearestState
from alservice.core.ids import (
    common_ids,
    find_ids,
    hash_ids,
    keyed_hash,
    repeated_ids,
    sort_hashes,
)
from alservice.core.vectors import bf16_from_f32, crc32c, f32_from_bf16, first_nonfinite

__all__ = [
    "Block",
    "CancelFlag",
    "Cancelled",
    "Engine",
    "NearestState",
    "Ranked",
    "bf16_from_f32",
    "build_info",
    "common_ids",
    "crc32c",
    "f32_from_bf16",
    "find_ids",
    "first_nonfinite",
    "hash_ids",
    "keyed_hash",
    "repeated_ids",
    "sort_hashes",
]
