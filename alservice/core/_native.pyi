from collections.abc import Sequence
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CancelFlag",
    "Cancelled",
    "Engine",
    "NearestState",
    "badge",
    "bait",
    "bf16_from_f32",
    "build_info",
    "common_ids",
    "crc32c",
    "f32_from_bf16",
    "find_ids",
    "first_nonfinite",
    "hash_ids",
    "herd",
    "k_means",
    "k_means_plus_plus",
    "keyed_hash",
    "max_det",
    "nearest_centres",
    "nearest_within",
    "neighbours",
    "outer_sum",
    "repeated_ids",
    "sort_hashes",
]

_Vectors: TypeAlias = NDArray[np.float32] | NDArray[np.uint16]
_Block: TypeAlias = tuple[str, _Vectors, NDArray[np.uint64], NDArray[np.uint8]]
_Index: TypeAlias = tuple[
    NDArray[np.uint64], NDArray[np.uint32], NDArray[np.uint8], NDArray[np.int64]
]
_Columns: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]

class Cancelled(Exception): ...

@final
class CancelFlag:
    def __new__(cls) -> CancelFlag: ...
    def cancel(self) -> None: ...
    @property
    def cancelled(self) -> bool: ...

@final
class NearestState:
    def __new__(cls, dim: int) -> NearestState: ...
    @property
    def anchors(self) -> int: ...
    def advance(self, kind: str, anchors: _Vectors) -> None: ...

@final
class Engine:
    def __new__(cls, threads: int, simd: str = "auto") -> Engine: ...
    @property
    def threads(self) -> int: ...
    @property
    def simd(self) -> str: ...
    def score_top_k(
        self,
        blocks: Sequence[_Block],
        weights: NDArray[np.float32],
        bias: NDArray[np.float32],
        measure: str,
        k: int,
        seed: int,
        cancel: CancelFlag | None = None,
    ) -> _Columns: ...
    def random_top_k(
        self, blocks: Sequence[_Block], k: int, seed: int, cancel: CancelFlag | None = None
    ) -> _Columns: ...
    def top_k(
        self,
        scores: Sequence[NDArray[np.float32]],
        blocks: Sequence[_Block],
        k: int,
        seed: int,
        cancel: CancelFlag | None = None,
    ) -> _Columns: ...
    def k_center(
        self,
        blocks: Sequence[_Block],
        kind: str,
        anchors: _Vectors,
        k: int,
        seed: int,
        cancel: CancelFlag | None = None,
        state: NearestState | None = None,
    ) -> _Columns: ...
    def measure_scores(
        self,
        kind: str,
        vectors: _Vectors,
        weights: NDArray[np.float32],
        bias: NDArray[np.float32],
        measure: str,
    ) -> NDArray[np.float32]: ...
    def probabilities(
        self,
        kind: str,
        vectors: _Vectors,
        weights: NDArray[np.float32],
        bias: NDArray[np.float32],
    ) -> NDArray[np.float32]: ...
    def gather(
        self,
        blocks: Sequence[_Block],
        block_idx: NDArray[np.int64],
        row_idx: NDArray[np.int64],
        dim: int,
    ) -> NDArray[np.float32]: ...
    def sum(self, kind: str, vectors: _Vectors) -> float: ...

def bf16_from_f32(values: NDArray[np.float32]) -> NDArray[np.uint16]: ...
def f32_from_bf16(values: NDArray[np.uint16]) -> NDArray[np.float32]: ...
def first_nonfinite(kind: str, vectors: _Vectors) -> int: ...
def crc32c(data: NDArray[np.uint8], initial: int) -> int: ...
def hash_ids(id_bytes: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.uint64]: ...
def keyed_hash(id_hash: NDArray[np.uint64], key: int) -> NDArray[np.uint64]: ...
def sort_hashes(id_hash: NDArray[np.uint64]) -> NDArray[np.uint32]: ...
def find_ids(
    within: _Index,
    query_hash: NDArray[np.uint64],
    query_bytes: NDArray[np.uint8],
    query_offsets: NDArray[np.int64],
) -> NDArray[np.int64]: ...
def common_ids(a: _Index, b: _Index) -> NDArray[np.int64]: ...
def repeated_ids(within: _Index) -> NDArray[np.int64]: ...
def nearest_centres(
    engine: Engine,
    kind: str,
    vectors: _Vectors,
    centres: NDArray[np.float32],
    cancel: CancelFlag | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]: ...
def k_means(
    engine: Engine,
    vectors: NDArray[np.float32],
    weights: NDArray[np.float32] | None,
    k: int,
    seed: int,
    iterations: int,
    cancel: CancelFlag | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.float32]]: ...
def k_means_plus_plus(
    engine: Engine,
    vectors: NDArray[np.float32],
    weights: NDArray[np.float32] | None,
    anchors: NDArray[np.float32],
    k: int,
    seed: int,
    cancel: CancelFlag | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]: ...
def nearest_within(
    engine: Engine,
    vectors: NDArray[np.float32],
    members: NDArray[np.int64],
    sizes: NDArray[np.int64],
    k: int,
    cancel: CancelFlag | None = None,
) -> NDArray[np.float32]: ...
def neighbours(
    engine: Engine,
    queries: NDArray[np.float32],
    base: NDArray[np.float32],
    k: int,
    cancel: CancelFlag | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]: ...
def herd(
    engine: Engine,
    candidates: NDArray[np.float32],
    rows: NDArray[np.float32],
    weights: NDArray[np.float32],
    covered: NDArray[np.float32],
    kernel: str,
    scale: float,
    k: int,
    cancel: CancelFlag | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]: ...
def outer_sum(
    engine: Engine,
    vectors: NDArray[np.float32],
    weights: NDArray[np.float32],
    cancel: CancelFlag | None = None,
) -> NDArray[np.float64]: ...
def max_det(
    engine: Engine,
    vectors: NDArray[np.float32],
    weights: NDArray[np.float32],
    inverse: NDArray[np.float64],
    k: int,
    cancel: CancelFlag | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]: ...
def bait(
    engine: Engine,
    vectors: NDArray[np.float32],
    weights: NDArray[np.float32],
    inverse: NDArray[np.float64],
    fisher: NDArray[np.float64],
    k: int,
    over: int,
    cancel: CancelFlag | None = None,
) -> NDArray[np.int64]: ...
def badge(
    engine: Engine,
    blocks: Sequence[_Block],
    weights: NDArray[np.float32],
    bias: NDArray[np.float32],
    anchors: NDArray[np.float32],
    k: int,
    seed: int,
    origin_anchor: bool,
    cancel: CancelFlag | None = None,
) -> _Columns: ...
def build_info() -> dict[str, str]: ...
