"""The engine: passes over blocks of vectors, on a thread pool of explicit size.

Every result is bit-identical whatever the number of threads, the cut into blocks and a row's
place in its block. Another instruction set may differ in the last digits of a score.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alservice.core import _native
from alservice.core._native import CancelFlag
from alservice.core.arrays import checked, checked_count, checked_u64, checked_vectors
from alservice.core.blocks import Block, Ranked, checked_blocks

Floats = NDArray[np.float32]


class NearestState:
    """What `Engine.k_center` knows of a pool's distances to labelled items, between rounds.

    8 bytes per row. Safe to share between threads: one waits for the other. Anchors can only be
    added: when a label is taken back, start anew.
    """

    def __init__(self, dimension: int) -> None:
        self.native = _native.NearestState(checked_count("dimension", dimension))

    @property
    def anchors(self) -> int:
        """How many anchors it has."""
        return self.native.anchors

    def advance(self, anchors: Floats) -> None:
        """Add anchors (m, d). Raises ValueError if they are not finite or of another dimension."""
        self.native.advance(*checked_vectors("anchors", anchors))


class Engine:
    """A thread pool and an instruction set; safe to share between threads.

    `simd` is "auto" (the best of this processor), "scalar", "avx2" or "avx512". Every method
    releases the GIL; raises ValueError for shapes that disagree, TypeError for wrong dtypes, and
    `Cancelled` within about a millisecond once its flag is set.
    """

    def __init__(self, threads: int, simd: str = "auto") -> None:
        self.native = _native.Engine(checked_count("threads", threads), simd)

    @property
    def threads(self) -> int:
        """Threads in the pool."""
        return self.native.threads

    @property
    def simd(self) -> str:
        """The instruction set in use."""
        return self.native.simd

    def score_top_k(
        self,
        blocks: Sequence[Block],
        weights: Floats,
        bias: Floats,
        measure: str,
        k: int,
        seed: int,
        cancel: CancelFlag | None = None,
    ) -> Ranked:
        """Rank the k rows with the highest measure of a linear head; all if there are fewer.

        `weights` (C, d) and `bias` (C,) give logits, their softmax the probabilities p. Measures,
        all in [0, 1]: "least_confidence" 1 - p1 (Lewis and Gale 1994), "margin" 1 - (p1 - p2)
        (Scheffer et al. 2001), "entropy" H(p) / ln C; 0 for a single class. Ties break by
        `keyed_hash(id_hash, seed)`, then (block, row). Reads the vectors once and writes nothing
        of the pool's size. Raises ValueError for weights that are not finite.
        """
        return Ranked(
            *self.native.score_top_k(
                checked_blocks(blocks),
                *_head(weights, bias),
                measure,
                checked_count("k", k),
                checked_u64("seed", seed),
                cancel,
            )
        )

    def random_top_k(
        self, blocks: Sequence[Block], k: int, seed: int, cancel: CancelFlag | None = None
    ) -> Ranked:
        """Draw k rows uniformly without replacement: the smallest keyed hashes. Scores are 0."""
        raw, k, seed = checked_blocks(blocks), checked_count("k", k), checked_u64("seed", seed)
        return Ranked(*self.native.random_top_k(raw, k, seed, cancel))

    def top_k(
        self,
        scores: Sequence[Floats],
        blocks: Sequence[Block],
        k: int,
        seed: int,
        cancel: CancelFlag | None = None,
    ) -> Ranked:
        """Rank the k rows with the highest given scores, one array (n_i,) per block.

        The general twin of `score_top_k`, equal to it for equal scores. Raises ValueError for a
        score that is NaN; infinities are allowed.
        """
        columns = [checked(f"scores[{i}]", s, np.float32, 1) for i, s in enumerate(scores)]
        raw, k, seed = checked_blocks(blocks), checked_count("k", k), checked_u64("seed", seed)
        return Ranked(*self.native.top_k(columns, raw, k, seed, cancel))

    def k_center(
        self,
        blocks: Sequence[Block],
        anchors: Floats,
        k: int,
        seed: int,
        cancel: CancelFlag | None = None,
        state: NearestState | None = None,
    ) -> Ranked:
        """Pick k rows greedily, each the farthest from the anchors (m, d) and earlier picks.

        Gonzalez 1985; as core-set selection Sener and Savarese 2018. The score is the Euclidean
        distance to the nearest anchor or pick at the time of picking. Without anchors the first
        pick is the smallest keyed hash, with score 0. Rows at distance 0 follow by keyed hash, so
        that there are never fewer than min(k, available) picks. A row is compared with
        centres only until it cannot be the farthest any more; memory: 9 bytes per row, and 40 for
        each that a pick of this batch has ruled out.

        With a `state` its anchors count besides the given ones, and what was found out about them
        is kept there; the blocks must be the same in every call with it, but for what they
        exclude. The result is the same as without. Raises ValueError for anchors that are not
        finite and for a state of other blocks.
        """
        kind, values = checked_vectors("anchors", anchors)
        raw, k, seed = checked_blocks(blocks), checked_count("k", k), checked_u64("seed", seed)
        kept = None if state is None else state.native
        return Ranked(*self.native.k_center(raw, kind, values, k, seed, cancel, kept))

    def measure_scores(
        self, block_vectors: NDArray[Any], weights: Floats, bias: Floats, measure: str
    ) -> Floats:
        """Measure every row (n,), exactly as `score_top_k` does."""
        kind, values = checked_vectors("block_vectors", block_vectors)
        return self.native.measure_scores(kind, values, *_head(weights, bias), measure)

    def probabilities(self, vectors: NDArray[Any], weights: Floats, bias: Floats) -> Floats:
        """Softmax of the logits of every row: (n, C)."""
        kind, values = checked_vectors("vectors", vectors)
        return self.native.probabilities(kind, values, *_head(weights, bias))

    def gather(
        self,
        blocks: Sequence[Block],
        block_idx: NDArray[np.int64],
        row_idx: NDArray[np.int64],
    ) -> Floats:
        """Copy rows (block_idx[i], row_idx[i]) into one float32 matrix (m, d).

        All blocks have the same d. Raises ValueError for a row that does not exist.
        """
        raw = checked_blocks(blocks)
        dim = raw[0][1].shape[1] if raw else 0
        block_idx = checked("block_idx", block_idx, np.int64, 1)
        row_idx = checked("row_idx", row_idx, np.int64, 1)
        return self.native.gather(raw, block_idx, row_idx, dim)

    def sum(self, vectors: NDArray[Any]) -> float:
        """Sum all values: the fastest possible pass, the yardstick of the benchmarks."""
        return self.native.sum(*checked_vectors("vectors", vectors))


def _head(weights: object, bias: object) -> tuple[Floats, Floats]:
    return checked("weights", weights, np.float32, 2), checked("bias", bias, np.float32, 1)
